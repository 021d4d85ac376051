"""What hosts of a small fleet would have answered, and the document of an audit of them."""

from __future__ import annotations

from typing import Any

from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.comparison import EarlierAudit
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.document import build_document
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.hosts import (
    UNREACHABLE,
    HostAudit,
    answered_host,
    silent_host,
)

NOW = "2026-11-21T06:00:00Z"
BEFORE = "2026-11-14T06:00:00Z"
ACCEPTED = {"id": "H01", "reason": "a new disk comes in March", "owner": "ops", "expires": "2027-03-31", "target": ""}


def raw_finding(check_id: str = "H01", severity: str = "ok", **values: Any) -> dict[str, Any]:
    """A finding as health_check returns it."""
    return {
        "id": check_id,
        "name": {"H01": "disk.available", "W02": "tls.expiry"}.get(check_id, f"name.{check_id.lower()}"),
        "title": f"Title of {check_id}",
        "subject": "host",
        "target": "host",
        "item": "",
        "severity": severity,
        "value": None if severity in ("unknown", "skipped") else 12.5,
        "unit": "percent",
        "warning": "15:",
        "critical": "10:",
        "text": f"{check_id} is {severity}",
        "evidence": [],
        "impact": "high",
        "remediation": f"Mend {check_id}.",
        "playbook": "",
        "accepted": None,
        **values,
    }


def host(name: str, *findings: dict[str, Any], facts: dict[str, Any] | None = None, **summary: Any) -> HostAudit:
    """A host that answered."""
    health = {"findings": list(findings), "summary": {"score": 80, "coverage": 100.0, **summary}}
    return answered_host(name, health, {"facts": facts or {}})


def away(name: str, reason: str = "no route to host") -> HostAudit:
    return silent_host(name, UNREACHABLE, reason)


def document(*hosts: HostAudit, earlier: EarlierAudit | None = None, now: str = NOW) -> dict[str, Any]:
    return build_document(hosts, earlier, title="Example Ltd", now=now, collection_version="0.1.0")


def whole_facts(site: str = "erp.example.com") -> dict[str, Any]:
    """The facts of a host on which everything could be read."""
    return {
        "system": {"os": "Debian GNU/Linux 12", "kernel": "6.1.0", "cores": 4, "memory_bytes": 2**34},
        "software": [
            {
                "kind": "database",
                "name": "MariaDB",
                "version": "10.6.18",
                "series": "10.6",
                "end_of_life": "2026-07-06",
            },
            {"kind": "redis", "name": "Redis", "version": "7.4.1", "series": "7.4", "end_of_life": "2026-11-30"},
            {"kind": "app", "name": "frappe", "version": "15.1.0", "series": "15", "end_of_life": "2027-12-31"},
            {"kind": "app", "name": "own_app", "version": "1", "series": "", "end_of_life": ""},
        ],
        "benches": [
            {
                "path": "/home/frappe/frappe-bench",
                "services": {"web": 1, "worker": 2},
                "sites": [
                    {"name": site, "files_bytes": 2048, "files_are_whole": True},
                    {"name": "other", "files_bytes": 4096, "files_are_whole": False},
                ],
            }
        ],
        "databases": [
            {
                "name": "127.0.0.1:3306",
                "version": "10.6.18",
                "accounts": [
                    {"account": "root@localhost", "global_privileges": ["ALL"], "databases": []},
                    {"account": "_a@localhost", "global_privileges": [], "databases": ["_a"]},
                    {"account": "idle@%", "global_privileges": [], "databases": []},
                ],
            }
        ],
        "sizes": [{"server": "127.0.0.1:3306", "name": "_a", "site": site, "bytes": 2**30}],
        "backups": [
            {
                "site": site,
                "newest": "20261121_020000",
                "recovery_point": "2026-11-21T02:00:00Z",
                "verdict": "complete",
                "encrypted": False,
                "size_bytes": 1024,
                "sets": 1,
                "total_bytes": 1024,
            }
        ],
        "rehearsals": [{"site": site, "at": "2026-11-01T00:00:00Z", "outcome": "recovered"}],
        "peers": [],
        "problems": [{"part": "peers of x", "reason": "it does not answer"}],
    }
