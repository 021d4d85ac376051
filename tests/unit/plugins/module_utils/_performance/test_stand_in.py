from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.stand_in import (
    StandIn,
    is_worse,
    stand_in_command,
    start_stand_in,
    stop_stand_in,
    wait_until_serving,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.web_masters import WebMaster
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.lock import process_identity
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)


def master(*command: str) -> WebMaster:
    return WebMaster(os.getpid(), None, command, Path("/"), True, (), 0.0, ())


def test_command_differs_in_place_and_number_only() -> None:
    command = [
        "gunicorn",
        "-b",
        "127.0.0.1:8000",
        "-w",
        "4",
        "--bind=0.0.0.0:1",
        "-t",
        "120",
        "--pid",
        "x",
        "-D",
        "app",
    ]
    kept = ["gunicorn", "-t", "120", "app", "--preload"]
    asked = stand_in_command([*command, "--preload"], 9000, 2)
    assert asked == [*kept, "--bind", "127.0.0.1:9000", "--workers", "2"]


def test_worse_is_an_error_that_was_none_before() -> None:
    assert is_worse(200, 0)
    assert is_worse(404, 500)
    assert not is_worse(500, 502)
    assert not is_worse(200, 404)
    assert not is_worse(0, 500)


def test_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    for command in ((), ("/no/gunicorn",)):
        with pytest.raises(LifeboatError, match="Cannot start a second web server"):
            start_stand_in(master(*command), 1, tmp_path / "log", Path("/"))


def test_end_of_a_stand_in_is_noticed_and_one_that_hangs_is_killed(tmp_path: Path) -> None:
    stand_in = start_stand_in(master(sys.executable, "-c", STUBBORN), 1, tmp_path / "log", Path("/"))
    while "ready" not in (tmp_path / "log").read_text():
        assert process_identity(stand_in.pid) == stand_in.identity
    late = wait_until_serving(stand_in.port, stand_in.pid, {"a": 200}, "/login", 0)
    assert late == "a answers nothing"
    assert wait_until_serving(stand_in.port, stand_in.pid, {}, "/login", 0) == "it does not listen"
    stop_stand_in(stand_in, 0)
    assert process_identity(stand_in.pid) == ""
    assert wait_until_serving(stand_in.port, stand_in.pid, {"a": 200}, "/login", 60) == "it ended"


def test_another_process_of_the_same_number_is_left_alone() -> None:
    stop_stand_in(StandIn(os.getpid(), "another", 1), 0)
