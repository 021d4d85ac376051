"""One cleanup of a host at a time."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import alone as lock
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.alone import alone
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def refusal(state_path: Path) -> str:
    with pytest.raises(LifeboatError) as refused, alone(state_path):
        pass
    assert refused.value.error_code == "cleanup_running"
    return refused.value.message


def test_second_one_is_told_who_runs_and_how_to_end_that(tmp_path: Path) -> None:
    with alone(tmp_path), alone(tmp_path / "of another state"):
        for _turn in range(3):
            message = refusal(tmp_path)
    assert f"(process {os.getpid()})" in message
    assert f"touch {tmp_path}/cleanup.stop" in message
    with alone(tmp_path):
        pass


def test_one_that_has_just_ended_has_no_name(tmp_path: Path) -> None:
    assert lock._holder(f"\0{tmp_path}") == ""


def test_what_else_the_system_refuses_is_no_other_cleanup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", bind)
    with pytest.raises(PermissionError), alone(tmp_path):
        pass
