"""One log on its way into an archive: whole, or not at all."""

from __future__ import annotations

import errno
import io
import os

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups import binlog_store
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_index import read_entries
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_store import leftovers, store_binlog
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.stream import open_binlog
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.binlog_files import BEGAN_SECONDS, IDENTITY, LogBuilder, archived_binlog

NAME = "binlog.000003"


def log():
    builder = LogBuilder("0-1-4").at(BEGAN_SECONDS + 50).change("0-1-5", count=3)
    return builder.at(BEGAN_SECONDS + 40).ddl("0-1-6", "DROP TABLE t").rotate("binlog.000004")


def store(folder, content, *, previous=None, compression="zstd", size_bytes=None, on_step=str):
    return store_binlog(
        io.BytesIO(content),
        NAME,
        len(content) if size_bytes is None else size_bytes,
        folder,
        compression=compression,
        previous=previous,
        server=IDENTITY,
        now=lambda: BEGAN_SECONDS + 100.0,
        on_step=on_step,
    )


@pytest.mark.parametrize(("compression", "suffix"), [("zstd", ".zst"), ("gzip", ".gz")])
def test_what_is_remembered(tmp_path, compression, suffix):
    steps = []
    content = bytes(log().content)
    entry = store(tmp_path, content, compression=compression, on_step=steps.append)
    assert steps == ["copy", "name", "check", "remember"]
    assert read_entries(tmp_path) == (entry,)
    assert (entry.stored_name, entry.size_bytes, entry.ending) == (NAME + suffix, len(content), "rotated")
    assert (entry.gtids_before, entry.gtids_after, entry.first_gtid, entry.last_gtid) == (
        "0-1-4",
        "0-1-6",
        "0-1-5",
        "0-1-6",
    )
    assert (entry.earliest_commit, entry.latest_commit) == ("2026-11-21T03:00:40Z", "2026-11-21T03:00:50Z")
    assert (entry.began_at, entry.archived_at) == ("2026-11-21T03:00:00Z", "2026-11-21T03:01:40Z")
    assert (entry.transactions, entry.row_statements, entry.partial_images) == (2, 0, 0)
    stored = tmp_path / entry.stored_name
    assert (stored.stat().st_size, oct(stored.stat().st_mode)[-3:]) == (entry.stored_bytes, "600")
    with open_binlog(stored) as stream:
        assert stream.read(len(content) + 1) == content
    assert leftovers(tmp_path) == ()


def test_what_the_server_left_behind_the_last_event_is_kept_as_well(tmp_path):
    content = bytes(log().content) + b"\1\2\3"
    assert store(tmp_path, content).ending == "truncated"
    with open_binlog(tmp_path / f"{NAME}.zst") as stream:
        assert stream.read(len(content) + 1) == content


def refused(tmp_path, content, **options):
    with pytest.raises(LifeboatError) as caught:
        store(tmp_path, content, **options)
    assert list(tmp_path.iterdir()) == []
    return caught.value


def test_a_log_that_does_not_follow_the_newest(tmp_path):
    content = bytes(log().content)
    error = refused(tmp_path, content, previous=archived_binlog(2, "", "0-1-3"))
    assert (error.error_code, "binlog.000002 and binlog.000003" in error.message) == ("binlog_gap", True)
    assert store(tmp_path, content, previous=archived_binlog(2, "", "0-1-4")).transactions == 2


def test_a_damaged_log(tmp_path):
    content = bytearray(log().content)
    content[400] ^= 1
    assert refused(tmp_path, bytes(content)).error_code == "binlog_damaged"


def test_a_log_of_another_length(tmp_path):
    content = bytes(log().content)
    error = refused(tmp_path, content, size_bytes=len(content) + 1)
    assert (error.error_code, f"{len(content)} bytes of it were read" in error.message) == ("binlog_damaged", True)


def test_a_disk_that_gives_back_other_bytes(tmp_path):
    def on_step(step):
        if step == "check":
            other = bytearray((tmp_path / f"{NAME}.gz").read_bytes())
            other[15] ^= 1
            (tmp_path / f"{NAME}.gz").write_bytes(other)

    assert refused(tmp_path, bytes(log().content), compression="gzip", on_step=on_step).error_code == "binlog_damaged"

    def replaced(step):
        if step == "check":
            (tmp_path / f"{NAME}.gz").write_bytes(b"another file")

    error = refused(tmp_path, bytes(log().content), compression="gzip", on_step=replaced)
    assert "gives back other bytes" in error.message


@pytest.mark.parametrize("step", ["copy", "name", "check", "remember"])
def test_whatever_ends_a_step_leaves_nothing(tmp_path, step):
    def on_step(name):
        if name == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store(tmp_path, bytes(log().content), on_step=on_step)
    assert list(tmp_path.iterdir()) == []


def test_an_index_that_cannot_be_written(tmp_path, monkeypatch):
    def full(*_arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(binlog_store, "write_entry", full)
    with pytest.raises(OSError, match="No space"):
        store(tmp_path, bytes(log().content))
    assert list(tmp_path.iterdir()) == []


def test_leftovers_are_what_no_entry_names(tmp_path):
    assert leftovers(tmp_path / "none") == ()
    entry = store(tmp_path, bytes(log().content))
    for name in ("backup.lock", "binlog.000004.zst", "binlog.000004.zst.partial", f".{entry.name}.json.x"):
        (tmp_path / name).write_text("")
    assert leftovers(tmp_path) == (f".{entry.name}.json.x", "binlog.000004.zst", "binlog.000004.zst.partial")
