"""What Redis keeps on disk, judged by its own save points."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.redis_persistence import STATUS_OK

from tests.check_runs import run_one
from tests.redis_doubles import NOW, ToldRedis

HOUR = 3600
FINE = {
    "rdb_last_bgsave_status": STATUS_OK,
    "aof_last_bgrewrite_status": STATUS_OK,
    "aof_last_write_status": STATUS_OK,
    "aof_enabled": 0,
    "rdb_changes_since_last_save": 0,
    "rdb_last_save_time": NOW - 9 * HOUR,
}
SAVES = {"save": f"{HOUR} 1 300 100", "stop-writes-on-bgsave-error": "yes"}
SAVES_NOTHING = {**SAVES, "save": ""}


@pytest.mark.parametrize(
    ("changed", "settings", "role", "severity", "text"),
    [
        ({}, SAVES, "queue", "ok", "with 0 changes"),
        ({"rdb_changes_since_last_save": 1}, SAVES, "queue", "warning", "9 h old, with 1 change since"),
        ({"rdb_changes_since_last_save": 9, "rdb_last_save_time": NOW - 2 * HOUR}, SAVES, "queue", "ok", "9 changes"),
        ({}, SAVES_NOTHING, "queue", "warning", "lost when it ends"),
        ({}, SAVES_NOTHING, "cache", "skipped", "as a cache may"),
        ({"aof_enabled": 1}, SAVES_NOTHING, "queue", "ok", "append-only"),
        ({"rdb_last_bgsave_status": "err"}, SAVES, "queue", "critical", "snapshot failed, and writes are refused"),
        ({"rdb_last_bgsave_status": "err"}, SAVES, "cache", "critical", "writes are refused"),
        ({"rdb_last_bgsave_status": "err"}, SAVES_NOTHING, "cache", "warning", "the last snapshot failed"),
        ({"rdb_last_bgsave_status": "err"}, SAVES_NOTHING, "queue", "critical", "the last snapshot failed"),
        (
            {"aof_last_write_status": "err", "aof_last_bgrewrite_status": "err"},
            {**SAVES, "stop-writes-on-bgsave-error": "no"},
            "queue",
            "critical",
            "the last rewrite of the append-only file and the last write to the append-only file failed",
        ),
    ],
)
def test_saving(changed: dict[str, Any], settings: dict[str, str], role: str, severity: str, text: str) -> None:
    (found,) = run_one("R05", ToldRedis({**FINE, **changed}, settings, roles=(role,)))
    assert found.severity == severity
    assert text in found.text


def test_server_that_does_not_tell_its_settings_still_tells_of_a_failure() -> None:
    (found,) = run_one("R05", ToldRedis({**FINE, "rdb_last_bgsave_status": "err"}))
    assert (found.severity, found.text) == ("critical", "the last snapshot failed")
    (found,) = run_one("R05", ToldRedis(FINE))
    assert (found.severity, found.text) == ("unknown", "the server does not tell its setting save")
