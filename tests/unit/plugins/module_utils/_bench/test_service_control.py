from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service import Service
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service_control import (
    manager_commands,
    start_service,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def service(manager: str) -> Service:
    return Service("frappe-bench-web", manager, "web", "stopped", None)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    path = tmp_path / "home" / "frappe-bench"
    path.mkdir(parents=True)
    return Bench(path)


def make_daemon(root: Path, pid: int, configuration: Path) -> None:
    folder = root / "proc" / str(pid)
    folder.mkdir(parents=True)
    (folder / "cmdline").write_bytes(f"/usr/bin/supervisord\0-c\0{configuration}\0".encode())
    (folder / "stat").write_text(f"{pid} (supervisord) S 1 0")


def test_supervisor_that_has_the_bench_is_asked_and_no_other(bench: Bench, tmp_path: Path) -> None:
    own, other = tmp_path / "own.conf", tmp_path / "other.conf"
    own.write_text(f"[program:frappe-bench-web]\ncommand=x\ndirectory={bench.path}\n")
    other.write_text("[program:frappe-bench-web]\ncommand=x\ndirectory=/home/somebody/frappe-bench\n")
    make_daemon(tmp_path, 7, own)
    make_daemon(tmp_path, 8, other)
    (command,) = manager_commands("start", service("supervisor"), bench, tmp_path)
    assert command[-4:] == ["-c", str(own), "start", "frappe-bench-web"]


def test_systemd_is_asked_for_the_unit(bench: Bench) -> None:
    assert manager_commands("start", service("systemd"), bench) == [["systemctl", "start", "frappe-bench-web"]]
    (command,) = manager_commands("start", service("systemd-user"), bench)
    assert command[:2] == ["systemctl", "--user"]
    assert command[2].startswith("--machine=")


def test_refusal_is_an_error(bench: Bench) -> None:
    answers = {1: "", 0: "frappe-bench-web: ERROR (no such process)"}
    for exit_code, output in answers.items():

        def refuse(arguments: Sequence[str], exit_code: int = exit_code, output: str = output) -> CommandResult:
            return CommandResult(tuple(arguments), exit_code, output, "")

        with pytest.raises(LifeboatError, match="Cannot start frappe-bench-web"):
            start_service(service("systemd"), bench, refuse)


def test_start_that_is_done_says_nothing(bench: Bench) -> None:
    start_service(service("systemd"), bench, lambda arguments: CommandResult(tuple(arguments), 0, "", ""))
