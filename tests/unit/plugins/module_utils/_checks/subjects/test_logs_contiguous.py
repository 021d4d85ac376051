"""The check ``backup_logs`` on what a server double says; a real server is in the faults."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_archive import archive_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_index import write_entry
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Settings, Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition

from tests.backup_sets import write_repository_set
from tests.binlog_files import archived_binlog
from tests.server_doubles import ServerDouble, look

SITE = "erp.example.com"
VARIABLES = {
    "log_bin": "ON",
    "log_bin_basename": "/nonexistent/binlog",
    "hostname": "db1",
    "port": "3306",
    "server_id": "1",
    "gtid_binlog_state": "0-1-9",
    "binlog_format": "ROW",
    "binlog_row_image": "FULL",
    "binlog_checksum": "CRC32",
    "binlog_expire_logs_seconds": "864000",
    "sync_binlog": "1",
}


@pytest.fixture
def server(tmp_path: Path):
    """Make a server with logs of these numbers, the last of which it writes."""

    def make(*numbers: int, **variables: str) -> ServerDouble:
        files = [(f"binlog.{number:06d}", 1000) for number in numbers]
        settings = Settings(repository_path=str(tmp_path))
        return ServerDouble(
            variables={**VARIABLES, **variables},
            answers={"SHOW BINARY LOGS": files},
            surroundings=Surroundings(settings=settings),
        )

    return make


@pytest.fixture
def backup(tmp_path: Path):
    """The newest set is of a place in the first log."""
    write_repository_set(tmp_path / "sites" / SITE, position=BinlogPosition("0-1-1", "binlog.000001", 400))


@pytest.fixture
def archive(tmp_path: Path):
    """Put logs with these states before and after into the archive."""

    def keep(*states: tuple[str, str]) -> None:
        folder = archive_of(Repository(tmp_path), "db1", 3306).folder
        folder.mkdir(parents=True)
        for number, (before, after) in enumerate(states, 1):
            write_entry(folder, archived_binlog(number, before, after))

    return keep


@pytest.mark.usefixtures("backup")
def test_logs_of_the_server_alone(server):
    found = look("B06", server(1, 2, 3))
    assert (set(found), found[SITE].severity) == ({SITE}, "ok")
    assert found[SITE].text == "3 binary logs from the newest set to now, 0 archived"


@pytest.mark.usefixtures("backup")
def test_archived_logs_and_those_of_the_server(server, archive):
    archive(("", "0-1-5"), ("0-1-5", "0-1-9"))
    found = look("B06", server(3))
    assert found[SITE].text == "3 binary logs from the newest set to now, 2 archived"
    assert found["archive"].text.startswith("2 binary logs archived, the newest one binlog.000002 of")


@pytest.mark.usefixtures("backup")
def test_a_missing_log(server, archive):
    archive(("", "0-1-5"))
    found = look("B06", server(3, 4))[SITE]
    assert (found.severity, "binlog.000002 is missing" in found.text) == ("critical", True)


@pytest.mark.usefixtures("backup")
def test_archived_logs_of_two_histories(server, archive):
    archive(("", "0-1-5"), ("0-1-7", "0-1-9"))
    assert "do not follow each other" in look("B06", server(3))[SITE].text


@pytest.mark.usefixtures("backup")
def test_settings_come_with_what_mends_them(server):
    found = look("B06", server(1, binlog_row_image="MINIMAL", sync_binlog="0"))
    assert (found["binlog_row_image"].severity, found["sync_binlog"].severity) == ("critical", "warning")
    assert found["sync_binlog"].evidence == (
        "SET GLOBAL sync_binlog = 1; and in the option file under [mariadbd]: sync_binlog = 1",
    )


def test_nothing_to_check(server):
    assert look("B06", server(1))[""].severity == "skipped"
    assert "writes no binary log" in look("B06", server(1, log_bin="OFF"))[""].text
