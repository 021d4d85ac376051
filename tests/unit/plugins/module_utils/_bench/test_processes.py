"""Processes, read from a folder that stands for /proc, and from the real one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.processes import (
    Process,
    environment_names,
    is_alive,
    list_processes,
    process_state,
)


def write_process(
    proc: Path, pid: int, command: bytes, state: str = "S", parent: int = 1, cwd: str | None = "/"
) -> Path:
    folder = proc / str(pid)
    folder.mkdir(parents=True)
    (folder / "cmdline").write_bytes(command)
    (folder / "stat").write_text(f"{pid} (a) b (c) {state} {parent} 5 5 0")
    if cwd is not None:
        (folder / "cwd").symlink_to(cwd)
    return folder


def test_processes_are_listed_by_pid_without_kernel_threads(tmp_path: Path) -> None:
    write_process(tmp_path, 100, b"/usr/bin/python3\0/bench/env/bin/gunicorn\0-w 2\0", parent=7, cwd="/bench/sites")
    write_process(tmp_path, 20, b"gunicorn: master [frappe.app:application]", cwd=None)
    write_process(tmp_path, 3, b"")
    (tmp_path / "meminfo").write_text("")
    (tmp_path / "30").mkdir()  # ended between the listing and the reading
    assert list_processes(tmp_path) == [
        Process(20, 1, os.getuid(), ("gunicorn:", "master", "[frappe.app:application]"), None),
        Process(
            100,
            7,
            os.getuid(),
            ("/usr/bin/python3", "/bench/env/bin/gunicorn", "-w 2"),
            Path("/bench/sites"),
        ),
    ]


@pytest.mark.parametrize(
    ("arguments", "name", "expected"),
    [
        (("/usr/bin/supervisord",), "supervisord", True),
        (("python3", "/usr/bin/supervisord", "-n"), "supervisord", True),
        (("python3", "-m", "supervisor.supervisord", "-n"), "supervisord", True),
        (("gunicorn:", "worker", "[x]"), "gunicorn", True),
        (("vi", "-R", "/usr/bin/gunicorn"), "gunicorn", False),
        (("python3", "-m", "gunicorn.supervisord.other"), "supervisord", False),
        (("sh", "-c", "gunicorn"), "gunicorn", False),
    ],
)
def test_program_of_a_process(arguments: tuple[str, ...], name: str, expected: bool) -> None:
    assert Process(1, 0, 0, arguments, None).is_program(name) is expected


def test_interpreter_that_was_given_no_module_runs_nothing() -> None:
    assert not Process(1, 0, 0, ("python3", "-m"), None).is_program("gunicorn")


def test_zombie_and_ended_process_are_not_alive(tmp_path: Path) -> None:
    write_process(tmp_path, 5, b"x", state="Z")
    write_process(tmp_path, 6, b"x", state="R")
    assert [process_state(pid, tmp_path) for pid in (5, 6, 7)] == ["Z", "R", ""]
    assert not is_alive(5, tmp_path)
    assert is_alive(6, tmp_path)
    assert not is_alive(7, tmp_path)


def test_environment_is_read_by_name_only() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        env={"FRAPPE_DB_NAME": "secret=1", "FRAPPE_DB_PASSWORD": "x", "OTHER": "FRAPPE_DB_HOST=1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdin
        assert child.stdout
        child.stdout.readline()
        assert environment_names(child.pid, "FRAPPE_DB_") == ["FRAPPE_DB_NAME", "FRAPPE_DB_PASSWORD"]
        child.stdin.close()


def test_environment_that_cannot_be_read_has_no_names(tmp_path: Path) -> None:
    assert environment_names(1, "A", tmp_path) == []


def test_this_process_is_listed() -> None:
    mine = next(process for process in list_processes() if process.pid == os.getpid())
    assert mine.working_directory == Path.cwd()
    assert mine.parent_pid == os.getppid()
    assert is_alive(os.getpid())
