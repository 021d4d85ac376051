"""What the person on call has to know of a point in time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_archive import BinlogArchive
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import InexactTable
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.point_checks import check_point
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.replay_plan import ReplayPlan
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.site_logs import SiteLogs

from tests.binlog_files import live_binlogs
from tests.replay_plans import REPLAY, at

HERE = SiteLogs(BinlogArchive(Path("/archive")), live_binlogs(("binlog.000009", 400)))
ENDED = replace(HERE, live=None)
ANEW = replace(ENDED, has_begun_anew=True)


def texts(
    replay: ReplayPlan | None, recover_to: str | None = None, logs: SiteLogs = HERE, database_exists: bool = True
) -> list[tuple[str, str]]:
    checks = check_point(replay, recover_to, "2026-11-21T03:00:00Z", logs if replay else None, database_exists)
    assert {check.name for check in checks} <= {"recovery_point"}
    return [(check.outcome, check.text) for check in checks]


def test_a_set_that_was_asked_for_needs_no_words() -> None:
    assert texts(None) == []
    assert texts(None, "20261121_030000-erp") == []


def test_a_set_in_place_of_a_moment_says_how_much_earlier_it_is() -> None:
    ((outcome, text),) = texts(None, "2026-11-21T08:40:00+05:30")
    assert outcome == "warning"
    assert "600 seconds before" in text


def test_a_point_is_told_by_its_transactions() -> None:
    ((outcome, text),) = texts(REPLAY)
    assert outcome == "passed"
    assert "0-1-9" in text
    assert "0-1-10" in text
    ((_outcome, without),) = texts(replace(REPLAY, before="", until=BinlogPosition("", "binlog.000001", 4)))
    assert "no transaction" in without
    assert "none is left out" in without


def test_the_latest_point_says_that_the_site_is_closed() -> None:
    ((outcome, text),) = texts(replace(REPLAY, is_latest=True))
    assert outcome == "passed"
    assert "closed before the end of its log is read" in text


def test_the_latest_point_of_logs_that_no_server_goes_on_with() -> None:
    latest = replace(REPLAY, is_latest=True)
    for logs, database_exists in ((ENDED, True), (ANEW, False)):
        ((outcome, text),) = texts(latest, logs=logs, database_exists=database_exists)
        assert outcome == "warning"
        assert f"end at {REPLAY.recovery_point}" in text
    ((outcome, text),) = texts(latest, logs=ANEW)
    assert outcome == "failed"
    assert f"ends at {REPLAY.recovery_point}" in text
    assert texts(REPLAY, logs=ANEW) == texts(REPLAY)


def test_a_table_that_cannot_be_brought_to_the_point_is_named() -> None:
    tables = (
        InexactTable("tabLater", "MyISAM", at("binlog.000001", 4), at("binlog.000002", 99)),
        InexactTable("tabKnown", "MyISAM", at("binlog.000001", 4), at("binlog.000001", 50)),
        InexactTable("tabUnknown", "MyISAM", None, None),
    )
    (_point, (outcome, text)) = texts(replace(REPLAY, inexact_tables=tables))
    assert outcome == "warning"
    assert text.startswith("tabLater, tabUnknown: ")
