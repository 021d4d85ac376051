"""What an archive of binary logs lacks, and when it cannot be continued."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_plan import plan_archiving
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import ServerIdentity
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.binlog_files import IDENTITY, archived_binlog, live_binlogs

ENTRIES = (archived_binlog(1, "", "0-1-5"), archived_binlog(2, "0-1-5", "0-1-9"))


def files(*numbers: int):
    return tuple((f"binlog.{number:06d}", 100 * number) for number in numbers)


def refusal(entries, live, **options):
    with pytest.raises(LifeboatError) as caught:
        plan_archiving(entries, live, flush=True, **options)
    return caught.value


def test_an_empty_archive_takes_all_that_was_rotated():
    live = live_binlogs(*files(4, 5, 6), gtid_state="0-1-20")
    assert plan_archiving((), live, flush=False).files == files(4, 5)
    plan = plan_archiving((), live, flush=True)
    assert (plan.flushes, plan.files) == (True, files(4, 5, 6))
    assert plan.as_dict() == {"flush": True, "files": ["binlog.000004", "binlog.000005", "binlog.000006"]}


def test_a_server_that_wrote_nothing_yet():
    plan = plan_archiving((), live_binlogs(*files(1)), flush=True)
    assert (plan.flushes, plan.files) == (False, ())


def test_only_what_is_newer_than_the_archive():
    plan = plan_archiving(ENTRIES, live_binlogs(*files(1, 2, 3, 4, 5), gtid_state="0-1-30"), flush=False)
    assert (plan.flushes, plan.files) == (False, files(3, 4))


@pytest.mark.parametrize(("state", "flushes"), [("0-1-9", False), ("0-1-10", True), ("0-1-9,3-1-1", True)])
def test_a_flush_only_where_something_new_was_written(state, flushes):
    plan = plan_archiving(ENTRIES, live_binlogs(*files(2, 3), gtid_state=state), flush=True)
    assert (plan.flushes, plan.files) == (flushes, files(3) if flushes else ())


def test_a_file_that_was_deleted_before_it_was_archived():
    live = live_binlogs(*files(4, 5), gtid_state="0-1-30")
    error = refusal(ENTRIES, live)
    assert error.error_code == "binlog_gap"
    assert error.details == {"file": "binlog.000003", "after": "binlog.000002"}
    assert "binlog.000003 is missing" in error.message
    assert plan_archiving(ENTRIES, live, flush=False, accept_gap=True).files == files(4)


@pytest.mark.parametrize(
    "identity",
    [
        ServerIdentity("", 2, "db1", 3306),
        ServerIdentity("uid-2", 1, "db2", 3306),
        ServerIdentity("uid-2", 1, "db1", 3307),
    ],
)
def test_another_server(identity):
    error = refusal(ENTRIES, replace(live_binlogs(*files(2, 3)), identity=identity))
    assert error.error_code == "binlog_archive_foreign"
    assert f"of the server {IDENTITY}, not of {identity}" in error.message
    assert error.details["server"]["hostname"] == identity.hostname


@pytest.mark.parametrize(
    "identity",
    [
        ServerIdentity("uid-1", 9, "renamed", 3399),
        ServerIdentity("uid-new", 1, "db1", 3306),
        ServerIdentity("", 1, "db1", 3306),
    ],
)
def test_the_same_server_with_another_name_or_card(identity):
    assert plan_archiving(ENTRIES, replace(live_binlogs(*files(2, 3)), identity=identity), flush=False).files == ()


@pytest.mark.parametrize(
    ("live", "told"),
    [
        (live_binlogs(("binlog.000001", 300)), "now writes binlog.000001, and had written binlog.000003"),
        (live_binlogs(("binlog.000001", 77), *files(2, 3)), "its binlog.000001 has 77 bytes, the archived one 100"),
        (live_binlogs(("mysql-bin.000009", 77)), "calls them mysql-bin.000009"),
    ],
)
def test_a_server_that_began_its_logs_anew(live, told):
    error = refusal(ENTRIES, live)
    assert (error.error_code, told in error.message) == ("binlog_restarted", True)


def test_how_a_server_is_named():
    assert str(IDENTITY) == "db1:3306 (server_id 1, server_uid uid-1)"
    assert str(ServerIdentity("", 1, "db1", 3306)) == "db1:3306 (server_id 1)"
