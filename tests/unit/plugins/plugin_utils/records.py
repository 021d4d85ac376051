"""A record of a recovery and its plan, as the modules return them, for tests of what people read."""

from __future__ import annotations

import copy
from typing import Any

SITE = "erp.example.com"
BACKUPS = f"/home/frappe/frappe-bench/sites/{SITE}/private/backups"
NAME = "20261121_030001-erp_example_com"

_BACKUP: dict[str, Any] = {
    "name": NAME,
    "folder": BACKUPS,
    "artifacts": [
        {
            "kind": "database",
            "path": f"{BACKUPS}/{NAME}-database.sql.gz",
            "size_bytes": 184_320_000,
            "encrypted": False,
        },
    ],
    "verdict": "complete",
    "reasons": [],
    "recovery_point": "2026-11-21T03:00:02Z",
    "recovery_point_source": "gzip_header",
    "size_bytes": 1_288_490_188,
    "encrypted": True,
    "versions": {"frappe": "15.55.1", "erpnext": "15.50.0"},
    "table_count": 404,
    "sql_bytes": 1_181_116_006,
    "missing_kinds": [],
    "skipped": [
        {
            "name": "20261121_060001-erp_example_com",
            "folder": BACKUPS,
            "verdict": "broken",
            "reason": "Its dump ends early.",
        }
    ],
}

_REPLACED: dict[str, Any] = {
    "exists": True,
    "configuration_valid": True,
    "db_name": "_1c8e72aa0b3d4f65",
    "database_exists": True,
    "tables": 402,
    "bytes": 2_147_483_648,
    "scheduler_enabled": True,
    "maintenance_mode": False,
}

_CHECKS: list[dict[str, str]] = [
    {"name": "identity", "outcome": "passed", "text": f"The set is of {SITE}."},
    {"name": "keys", "outcome": "warning", "text": "The live site's encryption key (a1) is not the set's (b2)."},
]

_PLAN: dict[str, Any] = {
    "site": SITE,
    "bench_path": "/home/frappe/frappe-bench",
    "procedure": "standard",
    "set": _BACKUP,
    "replaces": _REPLACED,
    "recovery_point": "2026-11-21T03:00:02Z",
    "data_loss_seconds": 2712,
    "estimate_seconds": 73.0,
    "steps": [
        {"name": "staging_database", "estimate_seconds": 64.1},
        {"name": "staging_files", "estimate_seconds": 8.9},
    ],
    "space": {
        "datadir": {"needed_bytes": 4_294_967_296, "free_bytes": 21_474_836_480},
        "files": {"needed_bytes": 1_073_741_824, "free_bytes": None},
    },
    "checks": _CHECKS,
    "warnings": [_CHECKS[1]["text"]],
    "keeps_until": "2026-11-28T03:45:20Z",
}


def _step(name: str, started_at: str, seconds: float, size: int | None = None, outcome: str = "done") -> dict[str, Any]:
    return {
        "name": name,
        "started_at": f"2026-11-21T{started_at}+00:00",
        "seconds": seconds,
        "bytes": size,
        "outcome": outcome,
    }


_RECORD: dict[str, Any] = {
    "schema_version": 1,
    "recovery": "20261121T034514Z-9f3a",
    "site": SITE,
    "bench_path": "/home/frappe/frappe-bench",
    "host": "app1",
    "procedure": "data_loss",
    "outcome": "recovered",
    "started_at": "2026-11-21T03:45:14.000+00:00",
    "ended_at": "2026-11-21T03:46:32Z",
    "recovery_point": "2026-11-21T03:00:02Z",
    "rpo_seconds": 2784.4,
    "rto_seconds": 76.2,
    "downtime_seconds": 0.42,
    "rollback_downtime_seconds": None,
    "set": _BACKUP,
    "replaced": _REPLACED,
    "checks": _CHECKS,
    "steps": [
        _step("staging_database", "03:45:18.000", 63.5, 1_181_116_006),
        _step("staging_database.load", "03:45:18.100", 55.2, 1_181_116_006),
        _step("staging_database.prove", "03:46:13.500", 7.9),
        _step("staging_files", "03:46:21.600", 7.1, 1_000_000_000),
        _step("promote", "03:46:29.000", 1.4),
        _step("promote.fence", "03:46:29.600", 0.05),
    ],
    "proof": {
        "database": {
            "completion_line": True,
            "tables": 404,
            "rows": 3_120_448,
            "rows_equal_to_dump": True,
            "sequences": 1,
            "views": 0,
            "triggers": 0,
            "installed_applications": 2,
            "stored_secret": "opens",
        },
        "files": {
            "archives": {"files": {"files": 60, "bytes": 1024}, "private_files": {"files": 58, "bytes": 2048}},
            "listed": 120,
            "matched": 117,
            "unchecked": 1,
            "outdated": 0,
            "missing": 2,
            "damaged": 0,
            "missing_names": ["/files/a.pdf", "/files/b.pdf"],
            "damaged_names": [],
            "not_recovered": ["2 files that the database lists are not in the set's archives."],
        },
    },
    "verification": [
        {"host": "app1", "name": "login", "outcome": "passed", "seconds": 0.021, "reason": ""},
        {"host": "app1", "name": "job", "outcome": "skipped", "seconds": None, "reason": "no worker runs on this host"},
    ],
    "assessment": {
        "scope": "loss",
        "database": "_1c8e72aa0b3d4f65",
        "recovery_point": "2026-11-21T03:00:02Z",
        "time_zone": "Asia/Kolkata",
        "lost": [
            {
                "doctype": "Sales Invoice",
                "table": "tabSales Invoice",
                "rows_in_set": 18_220,
                "rows_live": 0,
                "written_since": 0,
                "volatile": False,
                "missing_rows": 18_220,
            },
            {
                "doctype": "Error Log",
                "table": "tabError Log",
                "rows_in_set": 9,
                "rows_live": None,
                "written_since": None,
                "volatile": True,
                "missing_rows": 9,
            },
        ],
        "written": [
            {
                "doctype": "Note",
                "table": "tabNote",
                "rows_in_set": 10,
                "rows_live": 12,
                "written_since": 2,
                "volatile": False,
            }
        ],
        "traces": {
            "deleted": {
                "table": "tabDeleted Document",
                "total": 18_220,
                "groups": [{"deleted_doctype": "Sales Invoice", "owner": "jo@example.com", "count": 18_220}],
            },
            "changed": {"table": "tabVersion", "total": 0, "groups": []},
        },
        "summary": ["Rows missing against the set: 18220 (DocTypes: 1)."],
    },
    "binary_log": "logged",
    "drained": {
        "waited_seconds": 2.4,
        "still_running": [{"job": f"{SITE}::reindex", "queue": "long", "seconds": 340}],
        "skipped": "",
    },
    "kept": {
        "database": "_1c8e72aa0b3d4f65",
        "files": ["public/files", "private/files"],
        "until": "2026-11-28T03:45:20Z",
    },
    "rollback_command": f"ansible-playbook lifeboat.frappe.recover -e site={SITE} -e state=rolled_back",
    "not_recovered": ["2 files that the database lists are not in the set's archives: /files/a.pdf, /files/b.pdf."],
    "error": None,
    "recommendations": [
        {
            "text": "Look at the job that makes the backups.",
            "because": "20261121_060001-erp_example_com could not be used.",
        },
    ],
}


def sample_plan() -> dict[str, Any]:
    """Return a plan that a test may change."""
    return copy.deepcopy(_PLAN)


def sample_record(**changes: Any) -> dict[str, Any]:
    """Return a record that a test may change."""
    return {**copy.deepcopy(_RECORD), **changes}
