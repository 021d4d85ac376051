"""The timer that ends debug mode."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.timer import UNIT, UNIT_FOLDER, Timer
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def timer(root: Path, calls: list[str], exit_code: int = 0) -> Timer:
    def run(arguments: Sequence[str]) -> CommandResult:
        calls.append(" ".join(arguments))
        return CommandResult(tuple(arguments), exit_code, "", "Unit not found")

    return Timer(run, root)


def test_it_is_there_where_systemd_runs_and_has_both_units(tmp_path: Path) -> None:
    calls: list[str] = []
    assert not timer(tmp_path, calls).is_installed
    assert not timer(tmp_path, calls).has_systemd
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert timer(tmp_path, calls).has_systemd
    (tmp_path / UNIT_FOLDER).mkdir(parents=True)
    (tmp_path / UNIT_FOLDER / f"{UNIT}.timer").touch()
    assert not timer(tmp_path, calls).is_installed
    timer(tmp_path, calls).stop()
    assert calls == []
    (tmp_path / UNIT_FOLDER / f"{UNIT}.service").touch()
    assert timer(tmp_path, calls).is_installed
    timer(tmp_path, calls).stop()
    assert calls == ["systemctl disable --now lifeboat-debug.timer"]


def test_units_are_read_before_the_timer_starts(tmp_path: Path) -> None:
    calls: list[str] = []
    timer(tmp_path, calls).start()
    timer(tmp_path, calls).run_program()
    assert calls == [
        "systemctl daemon-reload",
        "systemctl enable --now lifeboat-debug.timer",
        "systemctl start lifeboat-debug.service",
    ]


def test_failure_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(LifeboatError) as failed:
        timer(tmp_path, [], 1).run_program()
    assert failed.value.error_code == "debug_timer_failed"
    assert "journalctl -u lifeboat-debug.service" in failed.value.message
    assert failed.value.details["output"] == "Unit not found"
