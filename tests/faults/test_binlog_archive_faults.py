"""Faults of the archive of binary logs: it holds whole files only, whatever happens, and a gap is never silent."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups import binlog_store
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.binlog_archives import BinlogArchives
from tests.lab import MariaDBServer
from tests.lab.processes import wait_until
from tests.promotion_stage import exit_code_of

STEPS = ("copy", "name", "check", "remember")
FIRST_FILES = ["binlog.000001", "binlog.000002"]
# More than is read at once, and nothing that compresses.
LARGE_ROWS = 24
LARGE_ROW_BYTES = 200_000


@pytest.fixture
def archives(row_log_server: MariaDBServer, tmp_path: Path) -> BinlogArchives:
    """The archive, still empty."""
    return BinlogArchives(row_log_server, tmp_path)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_when(archives: BinlogArchives, is_time: Callable[[str | None], bool], **options: Any) -> bool:
    """Archive in a process that is killed when its progress says so; tell whether it was."""

    def child() -> None:
        update = ProgressReporter.update

        def update_and_die(reporter: ProgressReporter, *given: Any, item_name: str | None = None) -> None:
            if is_time(item_name):
                die()
            update(reporter, *given, item_name=item_name)

        ProgressReporter.update = update_and_die  # type: ignore[assignment, method-assign]
        archives.attempt(**options)

    return exit_code_of(child) == -signal.SIGKILL


@pytest.mark.promise(11)
@pytest.mark.promise(25)
@pytest.mark.parametrize("step", STEPS)
def test_a_run_killed_at_a_step_of_the_second_file(archives: BinlogArchives, step: str) -> None:
    assert killed_when(archives, lambda item: item == f"{FIRST_FILES[1]}: {step}")
    assert archives.names == FIRST_FILES[:1]
    assert archives.keep()["archived"][0] == FIRST_FILES[1]
    assert archives.names[:2] == FIRST_FILES
    assert archives.leftovers == ()
    assert archives.gtids_to_now() == ["0-1-1", "0-1-2", "0-1-3"]
    assert not archives.keep()["changed"]


@pytest.mark.promise(11)
def test_a_run_killed_between_two_files(archives: BinlogArchives) -> None:
    """The progress without the name of an item is that between two files, the first one before any."""
    seen: list[None] = []

    def is_second(item: str | None) -> bool:
        if item is None:
            seen.append(None)
        return len(seen) > 1

    assert killed_when(archives, is_second)
    assert archives.names == FIRST_FILES[:1]
    archives.keep()
    assert (archives.names[:2], archives.leftovers) == (FIRST_FILES, ())


@pytest.mark.promise(11)
@pytest.mark.parametrize("options", [{"source": "files"}, {"source": "network"}, {"compression": "gzip"}], ids=str)
def test_a_run_killed_in_the_middle_of_a_file(archives: BinlogArchives, options: dict[str, str]) -> None:
    fill(archives)
    archives.run("FLUSH BINARY LOGS")

    def child() -> None:
        readinto = binlog_store._Tee.readinto

        def read_and_die(tee: Any, buffer: Any) -> int:
            if tee.size_bytes > LARGE_ROW_BYTES * LARGE_ROWS // 2:
                die()
            return readinto(tee, buffer)

        binlog_store._Tee.readinto = read_and_die  # type: ignore[method-assign]
        archives.attempt(**options)

    assert exit_code_of(child) == -signal.SIGKILL
    assert archives.names == FIRST_FILES[:1]
    removed = archives.keep(**options)["removed_leftovers"]
    assert any(name.endswith(".partial") for name in removed)
    assert (archives.names[:2], archives.leftovers) == (FIRST_FILES, ())
    assert archives.gtids_to_now()[-1] == "0-1-4"


def fill(archives: BinlogArchives) -> None:
    """Make the log that is being written a few megabytes long."""
    parts = LARGE_ROW_BYTES // 128
    hashes = f"SELECT GROUP_CONCAT(SHA2(CONCAT(n.seq, '-', s.seq), 512) SEPARATOR '') FROM seq_1_to_{parts} n"
    archives.run("USE s1", f"INSERT INTO t SELECT 1000 + s.seq, ({hashes}) FROM seq_1_to_{LARGE_ROWS} s")


@pytest.mark.promise(25)
def test_a_file_that_was_deleted_before_it_was_archived_is_named(archives: BinlogArchives) -> None:
    archives.keep()
    archives.write(2)
    archives.run("FLUSH BINARY LOGS")
    archives.write(3)
    archives.run("FLUSH BINARY LOGS")
    # A log that the engine has not done with is spared for a moment.
    wait_until(lambda: is_purged(archives), "the end of the server's work on its older logs")
    archives.write(4)
    for options in ({}, {"check_mode": True}):
        result = archives.attempt(**options)
        assert (result["error_code"], result["details"]["file"]) == ("binlog_gap", "binlog.000003")
        assert "binlog.000003 is missing: it comes after binlog.000002" in result["msg"]
    assert archives.names == FIRST_FILES
    with pytest.raises(LifeboatError, match=r"binlog\.000003 is missing"):
        archives.gtids_to_now()
    accepted = archives.keep(accept_gap=True)
    assert accepted["archive"]["gaps"] == [{"after": "binlog.000002", "before": "binlog.000005"}]
    archives.write(5)
    assert archives.keep()["archived"] == ["binlog.000006"]
    with pytest.raises(LifeboatError, match=r"binlog\.000003 is missing"):
        archives.gtids_to_now()
    assert archives.gtids_to_now(BinlogPosition("", "binlog.000005", 4)) == ["0-1-6", "0-1-7"]


def is_purged(archives: BinlogArchives) -> bool:
    archives.run("PURGE BINARY LOGS TO 'binlog.000005'")
    return not (archives.server.data_path / "binlog.000004").exists()


@pytest.mark.promise(3)
@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_a_damaged_byte_in_the_archive_is_found(archives: BinlogArchives, compression: str) -> None:
    archives.keep(compression=compression)
    stored = archives.archive.folder / archives.entries[0].stored_name
    content = stored.read_bytes()
    for place in range(0, len(content), 7):
        stored.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        assert archives.archive.damaged(archives.entries) == ["binlog.000001"]
        assert read_through(archives) in ("binlog_damaged", "the same")
    result = archives.attempt(verify=True)
    assert (result["error_code"], result["details"]["files"]) == ("binlog_damaged", ["binlog.000001"])
    stored.write_bytes(content)
    assert not archives.keep(verify=True)["changed"]


def read_through(archives: BinlogArchives) -> str:
    try:
        return "the same" if archives.gtids_to_now() == ["0-1-1", "0-1-2", "0-1-3"] else "another log"
    except LifeboatError as error:
        return error.error_code


@pytest.mark.promise(3)
def test_a_damaged_byte_in_the_server_s_log_never_gets_into_the_archive(
    row_log_server: MariaDBServer, archives: BinlogArchives
) -> None:
    path = row_log_server.data_path / "binlog.000001"
    content = path.read_bytes()
    try:
        path.write_bytes(content[:400] + bytes([content[400] ^ 1]) + content[401:])
        result = archives.attempt()
        assert (result["error_code"], result["details"]["file"]) == ("binlog_damaged", "binlog.000001")
        assert (archives.names, archives.leftovers) == ([], ())
    finally:
        path.write_bytes(content)
    assert archives.keep()["archived"][:2] == FIRST_FILES


@pytest.mark.promise(25)
def test_a_server_that_began_its_logs_anew_is_refused(archives: BinlogArchives) -> None:
    archives.keep()
    archives.run("RESET MASTER")
    archives.write(7)
    result = archives.attempt()
    assert (result["error_code"], "RESET MASTER" in result["msg"]) == ("binlog_restarted", True)
    archives.run("FLUSH BINARY LOGS", "FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
    result = archives.attempt()
    assert (result["error_code"], "binlog.000001 has" in result["msg"]) == ("binlog_restarted", True)
    assert archives.names == FIRST_FILES


@pytest.mark.promise(13)
def test_of_two_runs_at_once_one_is_refused(archives: BinlogArchives, monkeypatch: pytest.MonkeyPatch) -> None:
    refused: list[dict[str, Any]] = []
    update = ProgressReporter.update

    def update_and_run_another(reporter: ProgressReporter, *given: Any, **named: Any) -> None:
        if not refused:
            refused.append({})
            refused.append(archives.attempt())
        update(reporter, *given, **named)

    monkeypatch.setattr(ProgressReporter, "update", update_and_run_another)
    assert archives.keep()["archived"] == FIRST_FILES
    assert refused[1]["error_code"] == "backup_running"
    assert refused[1]["details"]["holder"]["pid"] == os.getpid()
    assert archives.names == FIRST_FILES


@pytest.mark.promise(12)
def test_a_server_that_crashed_within_an_event(row_log_server: MariaDBServer, archives: BinlogArchives) -> None:
    """What the server left of the event belongs to no transaction; the next file says so.

    Many file systems give back as zeros what was not on the disk when the power went.
    """
    archives.keep()
    archives.write(2)
    row_log_server.kill()
    with (row_log_server.data_path / "binlog.000003").open("ab") as log:
        log.write(b"\0" * 4096)
    row_log_server.start()
    archives.write(3)
    archives.keep()
    assert archives.entries[2].ending == "truncated"
    archives.write(4)
    assert archives.gtids_to_now() == [f"0-1-{number}" for number in range(1, 7)]


@pytest.mark.promise(9)
@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_a_full_disk_leaves_whole_files_alone(archives: BinlogArchives, compression: str) -> None:
    archives.repository_path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", archives.repository_path], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here: that needs root")
    try:
        archives.keep(compression=compression)
        fill(archives)
        result = archives.attempt(compression=compression)
        assert (result["error_code"], "are free" in result["msg"]) == ("disk_space", True)
        # Where the room goes while the log is written.
        result = attempt_without_looking_at_the_room(archives, compression)
        assert (result["error_code"], "No space left on device" in result["msg"]) == ("disk_space", True)
        assert (archives.names, archives.leftovers) == (FIRST_FILES, ())
    finally:
        subprocess.run(["umount", "--lazy", archives.repository_path], check=True)


def attempt_without_looking_at_the_room(archives: BinlogArchives, compression: str) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _path: shutil._ntuple_diskusage(1 << 40, 0, 1 << 40))
        return archives.attempt(compression=compression)


@pytest.mark.promise(21)
def test_the_password_is_on_no_command_line_and_in_no_environment(
    row_log_server: MariaDBServer, archives: BinlogArchives, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    real = shutil.which("mariadb-binlog")
    program = tmp_path / "bin" / "mariadb-binlog"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n{{ echo "$@"; env; }} >> {seen}\nexec {real} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    archives.keep(source="network")
    text = seen.read_text()
    assert "--defaults-file=/dev/fd/" in text
    assert str(row_log_server.login.login_password) not in text
    assert not [path for path in archives.repository_path.rglob("*") if b"INSERT" in content_of(path)]


def content_of(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() and path.suffix == ".json" else b""
