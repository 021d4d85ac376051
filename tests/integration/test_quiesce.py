"""A site that is closed before the end of its log is read: nobody gets in, and the way back is byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.quiesce import open_again, quiesce, quiesced
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from pymysql.err import OperationalError

from tests.lab.mariadb import MariaDBServer
from tests.promotion_stage import NEIGHBOUR, Stage


@pytest.fixture
def stage(mariadb_server: MariaDBServer, tmp_path: Path) -> Stage:
    return Stage(tmp_path, mariadb_server.login)


def close(stage: Stage) -> None:
    with stage.connect() as connection:
        surroundings = stage.surroundings.look_around(stage.bench)
        quiesce(connection, stage.site, stage.journal(), surroundings, 1, clock=lambda: 1000.0)


def open_it(stage: Stage) -> None:
    with stage.connect() as connection:
        open_again(connection, stage.site, stage.journal(), stage.surroundings.look_around(stage.bench))


def session_of(stage: Stage) -> Any:
    """Return a connection as the site has one."""
    password = json.loads(stage.original_bytes)["db_password"]
    return connect(stage.login.with_account(stage.old, password), stage.old)


def can_log_in(stage: Stage) -> bool:
    try:
        session_of(stage).close()
    except LifeboatError as error:
        return error.error_code != "mariadb_access_denied"
    return True


def test_a_closed_site_lets_nobody_in_and_is_opened_as_it_was(stage: Stage) -> None:
    session = session_of(stage)
    close(stage)
    configuration = json.loads(stage.site.config_path.read_bytes())
    assert (configuration["maintenance_mode"], configuration["pause_scheduler"]) == (1, 1)
    with session, pytest.raises(OperationalError, match=r"Lost connection|gone away|killed"):
        fetch_all(session, "SELECT 1")
    assert not can_log_in(stage)
    assert stage.journal().fact("down_since") == 1000.0
    # Once more, as after a kill: the bytes of before stay those of before.
    close(stage)
    open_it(stage)
    assert stage.site.config_path.read_bytes() == stage.original_bytes
    assert can_log_in(stage)
    assert quiesced(stage.journal()) is None
    assert stage.journal().fact("down_since") is None
    reloads = stage.surroundings.reloads
    open_it(stage)
    assert stage.surroundings.reloads == reloads


def test_a_site_that_was_closed_is_promoted_with_its_own_switches_and_rolled_back_to_them(stage: Stage) -> None:
    before = json.loads(stage.original_bytes)
    close(stage)
    stage.promote()
    promoted = json.loads(stage.site.config_path.read_bytes())
    assert promoted["db_name"] == stage.new
    assert {name: promoted.get(name) for name in ("maintenance_mode", "pause_scheduler")} == {
        name: before.get(name) for name in ("maintenance_mode", "pause_scheduler")
    }
    assert stage.journal().fact("downtime_seconds") > 0
    stage.roll_back()
    assert stage.site.config_path.read_bytes() == stage.original_bytes
    assert can_log_in(stage)


def test_a_site_whose_account_another_one_uses_is_not_closed(stage: Stage) -> None:
    neighbour = stage.bench.site(NEIGHBOUR)
    configuration = json.loads(neighbour.config_path.read_bytes())
    neighbour.config_path.write_text(json.dumps({**configuration, "db_name": stage.old, "db_user": stage.old}))
    with pytest.raises(LifeboatError) as refusal:
        close(stage)
    assert refusal.value.error_code == "account_shared"
    assert stage.site.config_path.read_bytes() == stage.original_bytes
    assert can_log_in(stage)


def test_a_site_that_cannot_work_is_closed_already(stage: Stage) -> None:
    stage.site.config_path.write_text("{")
    close(stage)
    assert quiesced(stage.journal()) is None
    assert stage.site.config_path.read_text() == "{"
