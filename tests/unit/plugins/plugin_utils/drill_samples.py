"""The record of a drill, as the report and the screen get it."""

from __future__ import annotations

from typing import Any

SITE = "erp.example.com"


def sample_drill(**values: Any) -> dict[str, Any]:
    """Return the record of a drill that passed; ``values`` replace its own."""
    phases = [("verify", 30.0, 10**9), ("load", 600.0, 19 * 10**9), ("files", 20.0, 10**8)]
    phases += [("prove", 100.0, 10**8), ("cleanup", 1.0, None)]
    return {
        "schema_version": 1,
        "drill": "20261121T031522Z-9f3a",
        "site": SITE,
        "bench_path": "/home/frappe/frappe-bench",
        "host": "app1",
        "user": "root",
        "outcome": "passed",
        "kind": "physical",
        "point": {"choice": "newest", "recover_to": "/b/20261121_020000-erp", "text": "The newest set."},
        "set": {
            "name": "20261121_020000-erp",
            "folder": "/b/20261121_020000-erp",
            "location": "local",
            "kinds": ["logical", "physical"],
            "size_bytes": 3 * 1024**3,
            "recovery_point": "2026-11-21T02:00:00Z",
            "encrypted": True,
            "versions": {"frappe": "15.55.1"},
        },
        "recovery_point": "2026-11-21T02:00:00Z",
        "replay": None,
        "started_at": "2026-11-21T03:15:22Z",
        "ended_at": "2026-11-21T03:28:00Z",
        "seconds": 750.0,
        "rto_seconds": 650.0,
        "phases": [
            {"name": name, "seconds": seconds, "bytes": size, "outcome": "done"} for name, seconds, size in phases
        ],
        "findings": [
            {"name": "tables", "outcome": "ok", "text": "Every row and key of 812 tables was read, none is damaged."},
            {"name": "ledger", "outcome": "skipped", "text": "The site has no general ledger (no ERPNext)."},
            {"name": "budget", "outcome": "ok", "text": "The recovery took 10 min 50 s, within its budget of 30 min."},
        ],
        "trend": {
            "rto_seconds": 650.0,
            "budget_seconds": 1800.0,
            "median_seconds": 600.0,
            "compared": 5,
            "slowdown_limit": 1.5,
        },
        "error": None,
        **values,
    }


def sample_history(count: int) -> list[dict[str, Any]]:
    """Return that many comparable drills before it, a day apart."""
    return [
        {
            "at": f"2026-10-{day + 1:02d}T03:00:00Z",
            "seconds": 600.0 + day,
            "outcome": "failed" if day == 1 else "passed",
        }
        for day in range(count)
    ]
