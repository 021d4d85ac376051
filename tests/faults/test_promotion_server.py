"""The database server dies in the middle of a promotion or of a rollback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.lab import MariaDBServer
from tests.promotion_stage import Stage

# Steps that need no database go on without the server, so the last ones end well ("").
LOST = {"", "mariadb_lost", "site_login_failed"}
PROMOTION_STEPS = ("drain", "account", "data", "maintenance", "fence", "files", "configuration", "cache")
ROLLBACK_STEPS = ("maintenance", "fence", "files", "open", "configuration", "cache")


@pytest.fixture(scope="module")
def mortal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    with MariaDBServer(tmp_path_factory.mktemp("mortal"), innodb_flush_log_at_trx_commit=1, sync_binlog=1) as server:
        yield server


def killing(server: MariaDBServer, at_step: str) -> Callable[[str, str], None]:
    def trap(step: str, event: str) -> None:
        if (step, event) == (at_step, "begin"):
            server.kill()

    return trap


def run_until_lost(action: Callable[[Callable[[str, str], None]], None], trap: Callable[[str, str], None]) -> None:
    error_code = ""
    try:
        action(trap)
    except LifeboatError as error:
        error_code = error.error_code
    assert error_code in LOST


@pytest.mark.promise(12)
@pytest.mark.parametrize("undo", [False, True])
@pytest.mark.parametrize("step", PROMOTION_STEPS)
def test_promotion_converges_after_the_server_was_killed(
    tmp_path: Path, mortal_server: MariaDBServer, step: str, undo: bool
) -> None:
    stage = Stage(tmp_path, mortal_server.login)
    try:
        run_until_lost(stage.promote, killing(mortal_server, f"promote.{step}"))
    finally:
        mortal_server.start()
    stage.assert_never_mixed()
    if undo:
        stage.roll_back()
        stage.assert_as_before()
    else:
        stage.promote()
        stage.assert_promoted()


@pytest.mark.promise(12)
@pytest.mark.parametrize("step", ROLLBACK_STEPS)
def test_rollback_converges_after_the_server_was_killed(
    tmp_path: Path, mortal_server: MariaDBServer, step: str
) -> None:
    stage = Stage(tmp_path, mortal_server.login)
    stage.promote()
    try:
        run_until_lost(stage.roll_back, killing(mortal_server, f"rollback.{step}"))
    finally:
        mortal_server.start()
    stage.assert_never_mixed()
    stage.roll_back()
    stage.assert_as_before()
