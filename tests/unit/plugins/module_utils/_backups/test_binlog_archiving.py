"""A whole run of the archive on files, without a server."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups import binlog_archiving
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_archiving import (
    ArchiveRequest,
    archive_binlogs,
    preview_archiving,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.binlog_files import BEGAN_SECONDS, BinlogServerDouble, LogBuilder


@pytest.fixture
def server(tmp_path):
    """Two logs, the second of which is being written."""
    folder = tmp_path / "data"
    folder.mkdir()
    LogBuilder().change("0-4-1").rotate("binlog.000002").save(folder, "binlog.000001")
    LogBuilder("0-4-1").change("0-4-2").save(folder, "binlog.000002")
    return BinlogServerDouble(folder, "binlog.000001", "binlog.000002", gtid_binlog_state="0-4-2")


@pytest.fixture
def request_of(tmp_path):
    def make(**options):
        values = {
            "source": "auto",
            "flush": True,
            "accept_gap": False,
            "compression": "gzip",
            "reserve_bytes": 0,
            **options,
        }
        return ArchiveRequest(
            repository=Repository(tmp_path / "repository"), name="db1", login=LoginOptions(), **values
        )

    return make


def archive(server, request):
    return archive_binlogs(request, server, ProgressReporter(), lambda: BEGAN_SECONDS + 1.0)


def names(entries):
    return [entry.name for entry in entries]


def test_a_run_and_its_preview(server, request_of):
    preview = preview_archiving(request_of(), server)
    assert (preview.plan.as_dict()["files"], preview.entries) == (["binlog.000001", "binlog.000002"], ())
    assert server.flushes == 0
    run = archive(server, request_of())
    assert (names(run.added), names(run.entries), server.flushes) == (["binlog.000001", "binlog.000002"],) * 2 + (1,)
    again = archive(server, request_of())
    assert (again.added, names(again.entries), server.flushes) == ((), names(run.entries), 1)


def test_logs_that_are_fetched(server, request_of, monkeypatch):
    fetched = []

    def fetch(_login, name, folder):
        fetched.append(name)
        copy = folder / name
        copy.write_bytes((server.folder / name).read_bytes())
        return copy

    monkeypatch.setattr(binlog_archiving, "fetch_binlog", fetch)
    server.variables["encrypt_binlog"] = "ON"
    run = archive(server, request_of())
    assert fetched == names(run.added) == ["binlog.000001", "binlog.000002"]
    assert not (run.archive.folder / "incoming.partial").exists()


@pytest.mark.parametrize("name", ["binlog.000001", "binlog.000002"])
def test_what_was_archived_before_a_failure_stays(server, request_of, name):
    content = (server.folder / name).read_bytes()
    (server.folder / name).write_bytes(content[:300] + b"damage" + content[306:])
    with pytest.raises(LifeboatError, match=name) as caught:
        archive(server, request_of())
    assert caught.value.error_code == "binlog_damaged"
    assert len(preview_archiving(request_of(), server).entries) == int(name[-1]) - 1
    assert preview_archiving(request_of(), server).removed_leftovers == ()


def test_a_disk_that_cannot_be_read_is_no_full_disk(server, request_of, monkeypatch):
    def unreadable(*_arguments, **_options):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(binlog_archiving, "store_binlog", unreadable)
    with pytest.raises(OSError, match="Input/output"):
        archive(server, request_of())
