# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an owner asks about a fleet as a whole: versions and their support, backups, certificates. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._system.quantities import DAY_SECONDS

from .hosts import HostAudit
from .words import SOON_DAYS, hours_between

SUPPORTED, SOON, ENDED, NOT_KNOWN = "supported", "soon", "ended", "unknown"
DAY_HOURS = 24
# The check whose value is the seconds that a certificate still has.
CERTIFICATE_CHECK = "tls.expiry"


def support_of(end_of_life: str, now: str) -> str:
    """Tell whether a version is still mended by its makers: ``supported``, ``soon`` (it ends), ``ended``, ``unknown``.

    Args:
        end_of_life: The last day, or the empty text where it is not known.
        now: The present moment, RFC 3339.
    """
    hours = hours_between(now, f"{end_of_life}T23:59:59+00:00") if end_of_life else None
    if hours is None:
        return NOT_KNOWN
    return ENDED if hours < 0 else SOON if hours < SOON_DAYS * DAY_HOURS else SUPPORTED


def version_rows(hosts: Iterable[HostAudit], now: str) -> list[dict[str, Any]]:
    """Return one row for each version of each program, what is without support first."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for host in hosts:
        for program in host.facts.get("software", []):
            row = rows.setdefault(
                (program["name"], program["version"]),
                {
                    **{name: program[name] for name in ("kind", "name", "version", "series", "end_of_life")},
                    "support": support_of(program["end_of_life"], now),
                    "hosts": [],
                },
            )
            if host.name not in row["hosts"]:
                row["hosts"].append(host.name)
    order = (ENDED, SOON, SUPPORTED, NOT_KNOWN)
    return sorted(rows.values(), key=lambda row: (order.index(row["support"]), row["name"], row["version"]))


def backup_rows(hosts: Iterable[HostAudit], now: str) -> list[dict[str, Any]]:
    """Return one row for each site: its newest usable set, how old that is, its last rehearsal; the oldest first."""
    rows = []
    for host in hosts:
        rehearsals = {rehearsal["site"]: rehearsal for rehearsal in host.facts.get("rehearsals", [])}
        for backup in host.facts.get("backups", []):
            rehearsal = rehearsals.get(backup["site"], {"at": "", "outcome": ""})
            rows.append(
                {
                    "host": host.name,
                    **backup,
                    "age_hours": hours_between(backup["recovery_point"], now),
                    "rehearsed_at": rehearsal["at"],
                    "rehearsal_outcome": rehearsal["outcome"],
                }
            )
    return sorted(rows, key=lambda row: (row["recovery_point"], row["host"], row["site"]))


def certificate_rows(hosts: Iterable[HostAudit]) -> list[dict[str, Any]]:
    """Return one row for each certificate that a check saw, the one that ends first first."""
    rows = [
        {
            "host": host.name,
            "site": finding["target"],
            "days_left": math.floor(finding["value"] / DAY_SECONDS),
            "severity": finding["severity"],
            "text": finding["text"],
        }
        for host in hosts
        for finding in host.findings
        if finding["value"] is not None and host.checks[finding["id"]]["name"] == CERTIFICATE_CHECK
    ]
    return sorted(rows, key=lambda row: (row["days_left"], row["host"], row["site"]))
