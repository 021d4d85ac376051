"""A fleet that does not exist, for the audit's reports: what its hosts would have answered.

``python -m tests.benchmark.fleet 300 FOLDER`` writes the reports of two audits of 300 hosts, to look at;
``measure_rendering`` is what ``make benchmark`` calls.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.catalogue import all_checks
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.run import AuditRequest, run_audit

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
CHECKS = all_checks()
SEVERITIES = ("ok", "skipped", "warning", "critical", "unknown")
# How often each is seen on a host that nobody looks after, and on one that somebody does.
NEGLECTED, KEPT = (70, 10, 12, 4, 4), (880, 100, 14, 1, 5)
ACCEPTANCE = {"reason": "The disk is replaced in March", "owner": "Infrastructure", "expires": "2027-03-31"}
TITLES = ("ValidationError: Could not find Row #1", "<script>alert('from an error title')</script>")
MARIADB_ENDS = {"10.6.18": "2026-07-06", "10.11.6": "2028-02-16", "11.4.3": "2029-05-29"}
# By subject, what a finding of it is about.
TARGETS = {"host": "host", "mariadb": "127.0.0.1:3306", "redis": "redis://127.0.0.1:13000"}
MOST_IN_A_BENCH = 20


def host_answer(index: int, findings: int, seed: int) -> dict[str, Any]:
    """Return what a host's two modules would have returned."""
    found = [_finding(number, _chance(index, number, seed), index % 5 == 0) for number in range(findings)]
    counts = {severity: sum(one["severity"] == severity for one in found) for severity in SEVERITIES}
    score = max(0, 100 - 6 * counts["critical"] - counts["warning"])
    coverage = round(100 * (1 - counts["unknown"] / findings), 1)
    return {
        "health": {"findings": found, "summary": {"score": score, "coverage": coverage, "counts": counts}},
        "info": {"facts": _facts(index, random.Random(index))},
    }


def _chance(index: int, number: int, seed: int) -> random.Random:
    """Most findings stay from one audit to the next: one in twenty is thrown anew."""
    stays = random.Random(f"{index} {number} {seed}").random() > 0.05
    return random.Random(f"{index} {number}" if stays else f"{index} {number} {seed}")


def _finding(number: int, chance: random.Random, is_neglected: bool) -> dict[str, Any]:
    check = CHECKS[number % len(CHECKS)]
    severity = chance.choices(SEVERITIES, NEGLECTED if is_neglected else KEPT)[0]
    value = None if severity in ("unknown", "skipped") else round(chance.uniform(0, 100), 1)
    text = f"{value} {check.unit} was measured"
    if value is None:
        text = "no answer within 3 seconds" if severity == "unknown" else "there is nothing of the kind here"
    elif check.name == "error_log" and severity != "ok":
        text = f"{value:g} new errors, most often {chance.choice(TITLES)}"
    return {
        **{name: getattr(check, name) for name in ("id", "name", "title", "subject", "impact", "unit")},
        "target": TARGETS.get(check.subject, f"site{number // MOST_IN_A_BENCH}.example.com"),
        "item": "" if number < len(CHECKS) else f"item {number // len(CHECKS)}",
        "severity": severity,
        "value": value,
        "warning": check.warning,
        "critical": check.critical,
        "text": text,
        "evidence": [f"line {line} of what was seen" for line in range(chance.randrange(3))],
        "remediation": check.remediation.text,
        "playbook": check.remediation.playbook,
        "accepted": {**ACCEPTANCE, "id": check.id, "target": ""} if chance.random() < 0.01 else None,
    }


def _facts(index: int, chance: random.Random) -> dict[str, Any]:
    site, database = f"erp{index}.example.com", f"_{index:016x}"
    mariadb = chance.choice((*MARIADB_ENDS, "10.11.6", "10.11.6"))
    software = (
        ("os", "Debian GNU/Linux", "12", "12", "2028-06-30"),
        ("database", "MariaDB", mariadb, mariadb.rpartition(".")[0], MARIADB_ENDS[mariadb]),
        ("redis", "Redis", "7.0.15", "7.0", ""),
        ("app", "frappe", chance.choice(("15.55.1", "15.55.1", "14.92.2")), "15", "2027-12-31"),
        ("app", "erpnext", "15.50.0", "15", "2027-12-31"),
    )
    values = {
        "innodb_flush_log_at_trx_commit": 2 if index % 41 == 7 else 1,
        "innodb_buffer_pool_size": round(chance.gauss(10, 0.1) * 1024) * MIB if index % 30 != 11 else 128 * MIB,
        "max_connections": 500,
    }
    accounts: tuple[tuple[str, list[str], list[str]], ...] = (
        ("root@localhost", ["ALL"], []),
        (f"{database}@localhost", [], [database]),
    )
    sites = [{"name": site, "files_bytes": chance.randrange(10**8, 10**11), "files_are_whole": True}]
    return {
        "system": {"os": "Debian GNU/Linux 12", "kernel": "6.1.0-28", "cores": 4, "memory_bytes": 16 * 1024 * MIB},
        "software": [dict(zip(("kind", "name", "version", "series", "end_of_life"), row)) for row in software],
        "benches": [
            {
                "path": "/home/frappe/frappe-bench",
                "services": {"web": 1, "worker": 4, "schedule": 1},
                "sites": sites,
            }
        ],
        "databases": [
            {
                "name": "127.0.0.1:3306",
                "version": mariadb,
                "accounts": [dict(zip(("account", "global_privileges", "databases"), row)) for row in accounts],
            }
        ],
        "sizes": [
            {"server": "127.0.0.1:3306", "name": database, "site": site, "bytes": chance.randrange(10**8, 10**11)}
        ],
        "backups": [
            {
                "site": site,
                "newest": "20261121_020000",
                "recovery_point": "2026-11-21T02:00:00Z" if index % 17 else "2026-11-01T02:00:00Z",
                "verdict": "complete",
                "encrypted": True,
                "size_bytes": 3 * 10**9,
                "sets": 7,
                "total_bytes": 20 * 10**9,
            }
        ],
        "rehearsals": [{"site": site, "at": "2026-11-01T04:00:00Z", "outcome": "recovered"}] if index % 3 == 0 else [],
        "peers": [{"kind": "MariaDB 10.11", "name": "127.0.0.1:3306", "identity": "", "values": values}],
        "problems": [],
    }


def write_answers(folder: Path, hosts: int, findings: int, seed: int) -> dict[str, dict[str, Any]]:
    """Write what the hosts answered as the audit keeps it, and return what the tasks returned, by host."""
    folder.mkdir(parents=True, exist_ok=True)
    collected: dict[str, dict[str, Any]] = {}
    for index in range(hosts):
        name = f"app{index + 1:04}.example.com"
        if hosts > 1 and index % 100 == 3:
            collected[name] = {"unreachable": True, "msg": "ssh: connect to host port 22: Connection timed out"}
            continue
        path = folder / f"{index}.json"
        path.write_text(json.dumps(host_answer(index, findings, seed)))
        collected[name] = {"document": str(path)}
    return collected


@dataclass(frozen=True)
class Rendering:
    """What rendering cost: seconds and the peak of the process's memory, and how large each report is."""

    seconds: float
    peak_bytes: int
    sizes: dict[str, int]


def measure_rendering(hosts: int = 1000, findings: int = 100) -> Rendering:
    """Render the second audit of a fleet in a process of its own, so that its memory is its own."""
    with tempfile.TemporaryDirectory(prefix="lifeboat-fleet-") as folder:
        command = [sys.executable, "-m", "tests.benchmark.fleet", str(hosts), folder, "--findings", str(findings)]
        printed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        measured = json.loads(printed.splitlines()[-1])
    return Rendering(**measured)


def _audits(folder: Path, hosts: int, findings: int) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    for seed, moment in ((1, "2026-11-14T06:00:00Z"), (2, "2026-11-21T06:00:00Z")):
        yield moment, write_answers(folder / f"answers-{seed}", hosts, findings, seed)


def main() -> None:
    """Write the reports of two audits of a fleet and print what the second cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hosts", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--findings", type=int, default=100)
    options = parser.parse_args()
    for moment, collected in _audits(options.folder, options.hosts, options.findings):
        began = time.monotonic()
        written = run_audit(
            AuditRequest(collected=collected, folder=options.folder / "reports", title="Example Ltd", now=moment)
        )
        seconds = time.monotonic() - began
    sizes = {path.name: path.stat().st_size for path in sorted(Path(written.path).iterdir())}
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": round(seconds, 2), "peak_bytes": peak_bytes, "sizes": sizes}))


if __name__ == "__main__":
    main()
