from __future__ import annotations

import ctypes
import errno
import json
import os
import stat
import sys
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system import files
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import run_command, secret_pipe
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.error_codes import ERROR_CODES
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.files import (
    append_line_durably,
    exchange_paths,
    file_failure,
    free_bytes,
    write_atomically,
    write_json_atomically,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import (
    ProgressReporter,
    output_reader_is_gone,
)


def test_an_error_code_must_be_a_documented_one():
    with pytest.raises(KeyError):
        raise LifeboatError("text", "not_a_code")
    error = LifeboatError("text", "disk_space", {"a": 1})
    assert (str(error), error.error_code, error.details) == ("text", "disk_space", {"a": 1})
    assert LifeboatError("text", "disk_space").details == {}


def test_error_codes_are_explained_in_a_sentence():
    assert all(meaning.endswith(".") and code.replace("_", "").isalpha() for code, meaning in ERROR_CODES.items())


def test_a_command_runs_to_its_end_whatever_its_exit_code():
    result = run_command(["sh", "-c", "echo out; echo problem >&2; exit 3"])
    assert (result.exit_code, result.output, result.error_output) == (3, "out\n", "problem\n")


def test_a_missing_command_and_one_that_hangs_are_told():
    with pytest.raises(LifeboatError) as missing:
        run_command(["/nonexistent/program"])
    assert missing.value.error_code == "command_missing"
    with pytest.raises(LifeboatError) as hanging:
        run_command(["sleep", "60"], timeout_seconds=0.05)
    assert hanging.value.error_code == "command_failed"


def test_a_secret_goes_through_a_pipe_that_is_closed_afterwards():
    with secret_pipe("very secret") as descriptor:
        assert os.read(descriptor, 100) == b"very secret"
        assert os.read(descriptor, 100) == b""
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_a_file_is_replaced_whole_with_its_mode(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    write_atomically(path, b"new", 0o640, (os.getuid(), os.getgid()))
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o640)
    write_json_atomically(path, {"b": 1, "a": [2]})
    assert json.loads(path.read_text()) == {"a": [2], "b": 1}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")

    def no_room(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(files.os, "fsync", no_room)
    with pytest.raises(OSError, match="no room"):
        write_atomically(path, b"new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_lines_are_appended(tmp_path):
    path = tmp_path / "log"
    append_line_durably(path, "first")
    append_line_durably(path, "second")
    assert path.read_text() == "first\nsecond\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.promise(9)
def test_a_line_that_a_full_disk_takes_in_part_is_not_in_the_file(tmp_path, monkeypatch):
    path = tmp_path / "journal.jsonl"
    append_line_durably(path, "first")
    real_write, room = os.write, [3]

    def write(descriptor: int, content: bytes) -> int:
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(descriptor, content[: room.pop()])

    monkeypatch.setattr(files.os, "write", write)
    with pytest.raises(OSError, match="No space") as failure:
        append_line_durably(path, "second")
    assert failure.value.filename == str(path)
    assert path.read_text() == "first\n"
    room.extend([2, 2, 2])
    append_line_durably(path, "third")
    assert path.read_text() == "first\nthird\n", "what is taken in parts is written to its end"


@pytest.mark.parametrize(
    ("number", "name", "code", "advice"),
    [
        (errno.ENOSPC, "/state/lock", "disk_space", "/state/lock: its file system is full"),
        (errno.EDQUOT, None, "disk_space", "a file: its file system is full"),
        (errno.EROFS, "/state/lock", "file_refused", "read-only"),
        (errno.EIO, "/state/lock", "file_refused", "dmesg"),
        (errno.EACCES, "/state/lock", "file_refused", "become"),
        (errno.EISDIR, "/state/lock", "file_refused", "folder"),
    ],
    ids=["full", "quota", "read-only", "disk", "permission", "folder"],
)
def test_what_the_system_refuses_is_said_with_what_to_do(number, name, code, advice):
    failure = file_failure(OSError(number, "refused", name))
    assert failure is not None
    assert (failure.error_code, failure.details["system_error"]) == (code, "refused")
    assert advice in failure.message


@pytest.mark.parametrize("error", [ConnectionResetError(errno.ECONNRESET, "reset"), PermissionError(errno.EPERM, "no")])
def test_an_error_of_something_else_than_a_file_is_left_as_it_is(error):
    assert file_failure(error) is None


def test_paths_are_exchanged_in_one_step(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.write_text("file")
    assert exchange_paths(first, second)
    assert first.read_text() == "file"
    assert second.is_dir()


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP])
def test_a_file_system_that_cannot_exchange_is_told_from_a_failure(tmp_path, monkeypatch, code):
    class Library:
        def renameat2(self, *_arguments) -> int:
            ctypes.set_errno(code)
            return -1

    monkeypatch.setattr(files.ctypes, "CDLL", lambda *_arguments, **_options: Library())
    assert not exchange_paths(tmp_path / "a", tmp_path / "b")


def test_a_system_without_renameat2_cannot_exchange(tmp_path, monkeypatch):
    monkeypatch.setattr(files.ctypes, "CDLL", lambda *_arguments, **_options: object())
    assert not exchange_paths(tmp_path / "a", tmp_path / "b")


def test_exchanging_what_is_not_there_fails(tmp_path):
    with pytest.raises(FileNotFoundError):
        exchange_paths(tmp_path / "a", tmp_path / "b")


def test_free_bytes_are_those_of_the_file_system(tmp_path):
    assert 0 < free_bytes(tmp_path) <= os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize * 2


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def written(path: Path) -> dict:
    return json.loads(path.read_text())


def test_progress_is_written_about_once_a_second_with_the_time_left(tmp_path):
    clock, path = Clock(), tmp_path / "progress"
    reporter = ProgressReporter(path, 0, clock)
    reporter.start("load", total_bytes=100, total_items=4)
    assert (written(path)["step"], written(path)["remaining_seconds"]) == ("load", None)
    clock.seconds = 0.5
    reporter.update(done_bytes=10)
    assert written(path)["done_bytes"] == 0
    clock.seconds = 10
    reporter.update(done_bytes=25, done_items=1, item_name="tabUser")
    assert (written(path)["done_bytes"], written(path)["item_name"]) == (25, "tabUser")
    assert (written(path)["elapsed_seconds"], written(path)["remaining_seconds"]) == (10.0, 30.0)
    assert written(path)["process_id"] == os.getpid()


def test_the_time_left_is_guessed_from_items_where_bytes_are_not_known(tmp_path):
    clock, path = Clock(), tmp_path / "progress"
    reporter = ProgressReporter(path, 0, clock)
    reporter.start("count", total_items=4)
    clock.seconds = 2
    reporter.update(done_items=1)
    assert written(path)["remaining_seconds"] == 6.0


def test_a_caller_that_lets_its_lease_lapse_is_gone(tmp_path):
    clock, path = Clock(), tmp_path / "progress"
    lease = Path(f"{path}.lease")
    lease.touch()
    reporter = ProgressReporter(path, 60, clock)
    reporter.start("load")
    os.utime(lease, (1, 1))
    clock.seconds = 5
    with pytest.raises(LifeboatError) as raised:
        reporter.update()
    assert raised.value.error_code == "caller_gone"


def test_a_closed_pipe_has_no_reader():
    reader, writer = os.pipe()
    assert not output_reader_is_gone(writer)
    os.close(reader)
    assert output_reader_is_gone(writer)
    os.close(writer)
    assert not output_reader_is_gone(writer)


def test_without_a_lease_the_output_decides(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as output:
        monkeypatch.setattr(sys, "__stdout__", output)
        with pytest.raises(LifeboatError) as raised:
            ProgressReporter().start("load")
    assert raised.value.error_code == "caller_gone"
