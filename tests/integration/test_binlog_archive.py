"""The module binlog_archive on a real server: what it keeps leads from any moment to now."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.live import read_live_binlogs
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.remote import fetch_binlog
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.binlog_archives import BinlogArchives


@pytest.fixture
def archives(row_log_server, tmp_path):
    """The archive, still empty."""
    return BinlogArchives(row_log_server, tmp_path)


def modified(archives):
    return {path.name: path.stat().st_mtime_ns for path in archives.archive.folder.glob("binlog*")}


@pytest.mark.parametrize(
    "options",
    [{}, {"compression": "gzip"}, {"source": "network"}, {"source": "files", "compression": "zstd"}],
    ids=["auto", "gzip", "network", "files"],
)
def test_all_that_was_written_is_kept(archives, options):
    check = archives.keep(check_mode=True, **options)
    assert not archives.repository_path.exists()
    result = archives.keep(**options)
    assert result["changed"] is check["changed"] is True
    assert result["archived"] == check["archived"] == ["binlog.000001", "binlog.000002"]
    assert result["flushed"] is check["flushed"] is True
    assert result["diff"] == {"before": {"files": []}, "after": {"files": result["archived"]}}
    described = result["archive"]
    assert (described["files"], described["gtids"], described["gaps"]) == (2, "0-1-3", [])
    assert [(entry.first_gtid, entry.last_gtid, entry.transactions) for entry in archives.entries] == [
        ("0-1-1", "0-1-2", 2),
        ("0-1-3", "0-1-3", 1),
    ]
    archives.write(2)
    assert archives.gtids_to_now() == [f"0-1-{number}" for number in range(1, 5)]
    mode = oct(archives.archive.folder.stat().st_mode)[-3:]
    assert (mode, result["findings"], result["notes"]) == ("700", [], [])


def test_a_second_run_has_nothing_to_do(archives):
    archives.keep()
    before = modified(archives)
    again = archives.keep(verify=True)
    assert (again["changed"], again["archived"], again["flushed"]) == (False, [], False)
    assert again["diff"]["before"] == again["diff"]["after"]
    assert modified(archives) == before


def test_a_log_that_the_server_does_not_have(row_log_server, archives, tmp_path):
    with pytest.raises(LifeboatError, match="is the file still there") as caught:
        fetch_binlog(row_log_server.login, "binlog.000099", tmp_path)
    assert caught.value.error_code == "binlog_missing"
    assert fetch_binlog(row_log_server.login, "binlog.000001", tmp_path).read_bytes()[:4] == b"\xfebin"
    assert archives.entries == ()


def test_what_a_dead_run_left_is_removed(archives):
    archives.keep()
    folder = archives.archive.folder
    (folder / "binlog.000009.zst").write_text("a log that nothing remembers")
    (folder / "incoming.partial").mkdir()
    (folder / "incoming.partial" / "binlog.000009").write_text("a log that was fetched")
    expected = ["binlog.000009.zst", "incoming.partial"]
    assert archives.keep(check_mode=True)["removed_leftovers"] == expected
    assert archives.leftovers == tuple(expected)
    result = archives.keep()
    assert (result["changed"], result["removed_leftovers"], archives.leftovers) == (True, expected, ())


def test_a_reserve_that_cannot_be_kept(archives):
    result = archives.attempt(reserve_bytes=1 << 60)
    assert (result["error_code"], "with the reserve" in result["msg"]) == ("disk_space", True)
    assert archives.names == []


def test_a_file_of_the_archive_that_was_changed(archives):
    archives.keep()
    (archives.archive.folder / "binlog.000002.zst").write_bytes(b"changed")
    result = archives.attempt(verify=True)
    assert (result["error_code"], result["details"]["files"]) == ("binlog_damaged", ["binlog.000002"])


def test_without_a_flush_only_what_is_rotated(archives):
    result = archives.keep(flush=False)
    assert (result["archived"], result["flushed"]) == (["binlog.000001"], False)


def test_a_restart_in_between(row_log_server, archives):
    archives.keep()
    archives.write(2)
    row_log_server.stop()
    row_log_server.start()
    archives.write(3)
    assert archives.keep()["archived"] == ["binlog.000003", "binlog.000004"]
    assert [entry.ending for entry in archives.entries][2:] == ["stopped", "rotated"]
    archives.write(4)
    row_log_server.kill()
    row_log_server.start()
    assert archives.keep(flush=False)["archived"] == ["binlog.000005"]
    assert archives.entries[-1].ending == "open"
    archives.write(5)
    assert archives.gtids_to_now() == [f"0-1-{number}" for number in range(1, 8)]


def test_the_archive_of_another_server_is_refused(archives):
    archives.keep()
    path = archives.archive.folder / "binlog.000002.json"
    entry = json.loads(path.read_text())
    entry["server"].update(server_uid="another", hostname="db9")
    path.write_text(json.dumps(entry))
    result = archives.attempt()
    assert (result["error_code"], "db9" in result["msg"]) == ("binlog_archive_foreign", True)
    assert archives.keep(archive="other")["changed"]


def test_without_a_name_it_is_that_of_the_server(row_log_server, archives):
    with closing(connect(row_log_server.login)) as connection:
        hostname = read_live_binlogs(connection).identity.hostname
    folder = archives.keep(archive=None)["archive"]["folder"]
    assert folder == str(archives.repository_path / "binlogs" / f"{hostname}-{row_log_server.port}")
    assert archives.attempt(archive="../elsewhere")["error_code"] == "path_unsafe"


def test_settings_are_judged_and_what_stands_in_the_way_is_told(archives):
    archives.keep()
    archives.run(
        "SET SESSION binlog_row_image = 'MINIMAL'",
        "UPDATE s1.t SET a = 7 WHERE a = 1",
        "SET SESSION binlog_format = 'STATEMENT'",
        "INSERT INTO s1.t (a) VALUES (8)",
        "SET GLOBAL sync_binlog = 0",
    )
    try:
        result = archives.keep(archive_interval_seconds=600)
    finally:
        archives.run("SET GLOBAL sync_binlog = 1")
    assert [finding["variable"] for finding in result["findings"]] == ["sync_binlog"]
    statements, images = result["notes"]
    assert statements.startswith("1 of the archived transactions change rows by statements")
    assert images.startswith("1 of the archived transactions have row images without all columns")


def test_a_server_whose_files_are_elsewhere(archives, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    result = archives.attempt(source="files")
    assert (result["error_code"], "give source: network" in result["msg"]) == ("binlog_missing", True)
    assert archives.keep()["archived"] == ["binlog.000001", "binlog.000002", "binlog.000003"]


def test_an_account_that_may_not_ask_for_logs(archives):
    archives.run(
        "CREATE OR REPLACE USER reader@localhost IDENTIFIED BY 'reader'",
        "GRANT BINLOG MONITOR, RELOAD ON *.* TO reader@localhost",
    )
    result = archives.attempt(source="network", login_user="reader", login_password="reader")
    assert (result["error_code"], "Access denied" in result["msg"]) == ("binlog_missing", True)
    assert (archives.entries, archives.leftovers) == ((), ())
