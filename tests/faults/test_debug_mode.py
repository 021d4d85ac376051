"""Debug mode that is killed at any of its changes, on the disk or on the server: its timer puts everything back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.end import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions, connect

from tests.debug_stage import ONE, DebugStage, own_server
from tests.killed_at_changes import kills
from tests.lab import MariaDBServer
from tests.promotion_stage import exit_code_of

HALF_AN_HOUR = 1800
SETTINGS = 6  # the server's variables that debug mode sets


class KillingStage(DebugStage):
    """A stage whose run is killed right before one of the variables is set."""

    at_setting = 0

    @property
    def around(self) -> Surroundings:
        return replace(super().around, connect=self._connect)

    def killed_before_setting(self, number: int, work: Callable[[], Any]) -> None:
        self.at_setting = number
        assert exit_code_of(work) == -signal.SIGKILL
        self.at_setting = 0

    def _connect(self, login: LoginOptions) -> Any:
        connection = connect(login)
        query = connection.query
        settings = 0

        def count(statement: Any, *arguments: Any) -> Any:
            nonlocal settings
            settings += str(statement).startswith("SET GLOBAL")
            if settings == self.at_setting and settings:
                os.kill(os.getpid(), signal.SIGKILL)
            return query(statement, *arguments)

        connection.query = count  # type: ignore[method-assign]
        return connection


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    with own_server(tmp_path_factory) as server:
        yield server


@pytest.fixture
def stage(server: MariaDBServer, tmp_path: Path) -> KillingStage:
    """A stage on a host with the timer, on which every variable has to be changed."""
    stage = KillingStage(tmp_path, server.login)
    stage.install_units()
    stage.set_variables(log_slow_rate_limit="7", log_output="NONE")
    return stage


def test_begin_that_was_killed_is_ended_by_the_timer(stage: KillingStage) -> None:
    before = stage.variables()
    count = 0
    for count in kills(lambda: None, lambda: stage.begin(ONE)):  # noqa: B007
        assert stage.tick(HALF_AN_HOUR) == []
        stage.assert_over(before)
    assert count > 20
    # The last run was not killed.
    assert stage.configuration(ONE)["monitor"] == 1
    assert stage.tick(HALF_AN_HOUR) == []
    for number in range(1, SETTINGS + 1):
        stage.killed_before_setting(number, lambda: stage.begin(ONE))
        assert stage.tick(HALF_AN_HOUR) == []
        stage.assert_over(before)


def test_end_that_was_killed_is_ended_by_the_next_tick(stage: KillingStage) -> None:
    before = stage.variables()
    count = 0
    for count in kills(lambda: stage.begin(ONE) and None, stage.end):  # noqa: B007
        assert stage.tick(HALF_AN_HOUR) == []
        stage.assert_over(before)
    assert count > 10
    stage.assert_over(before)
    for number in range(1, SETTINGS + 1):
        stage.begin(ONE)
        stage.killed_before_setting(number, stage.end)
        assert stage.tick(HALF_AN_HOUR) == []
        stage.assert_over(before)


def test_longer_time_that_was_killed_never_remembers_debug_values(stage: KillingStage) -> None:
    before = stage.variables()

    def begin_again() -> None:
        stage.begin(ONE, minutes=20, long_query_seconds=2.0, logging=2)

    for _count in kills(lambda: stage.begin(ONE, minutes=10) and None, begin_again):
        assert stage.tick(HALF_AN_HOUR) == []
        stage.assert_over(before)
    assert stage.configuration(ONE)["logging"] == 2
    stage.end()
    stage.assert_over(before)
