"""Debug mode on a real server: on, live, unchanged by a second run, and back exactly, by whomever and whenever."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.script import main as run_program
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.state import StateFiles
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.lock import SiteLock, this_holder
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import read_records
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.modules import debug_mode

from tests.debug_stage import CONFIGURATION, NOW, ONE, TWO, DebugStage
from tests.lab import MariaDBServer
from tests.modules import run_module

HALF_AN_HOUR = 1800


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    """A server of our own, whose global variables nobody else sets."""
    folder = tmp_path_factory.mktemp("debugged-server")
    with MariaDBServer(folder) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def stage(server: MariaDBServer, tmp_path: Path) -> DebugStage:
    return DebugStage(tmp_path, server.login)


def query_slowly(stage: DebugStage) -> None:
    with closing(connect(stage.login)) as connection:
        execute(connection, "SELECT SLEEP(0.01) /* a slow one */")


def test_on_live_and_back_by_itself(stage: DebugStage) -> None:
    before = stage.variables()
    stage.install_units()
    begun = stage.begin(long_query_seconds=0.005, allow_without_timer=False)
    assert begun["changed"]
    assert stage.commands == ["enable --now lifeboat-debug.timer", "start lifeboat-debug.service"]
    for name in (ONE, TWO):
        assert {"monitor": 1, "logging": 1, "enable_frappe_logger": 1}.items() <= stage.configuration(name).items()
    assert {"slow_query_log": "ON", "long_query_time": "0.005000"}.items() <= stage.variables().items()
    query_slowly(stage)
    (log,) = {Path(server.log_path) for server in begun["state"].servers}
    assert "a slow one" in log.read_text()

    assert not stage.begin(long_query_seconds=0.005)["changed"]
    assert stage.tick(HALF_AN_HOUR - 1) == []
    assert stage.configuration(ONE)["monitor"] == 1
    assert stage.tick(1) == []
    stage.assert_over(before)
    assert stage.commands[-1] == "disable --now lifeboat-debug.timer"
    assert log.exists()

    assert not stage.end()["changed"]
    assert stage.end(remove_logs=True)["changed"]
    assert not log.exists()
    assert not stage.end(remove_logs=True)["changed"]
    assert [record["action"] for record in read_records(stage.state_path) if record["module"] == "debug_mode"] == [
        "present",
        "end",
    ]
