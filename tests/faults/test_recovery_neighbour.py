"""A site is recovered, and rolled back by itself, while the other sites of the bench and the server go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all

from tests.lab import Lab, Prober, Writer
from tests.lab.prober import ask
from tests.whole_recovery import WholeRecovery, playbook_process

SITE, NEIGHBOUR = "alpha.localhost", "beta.localhost"
# A statement of anybody that waits longer for a lock fails, so that no lock is held for longer is seen without a clock.
LOCK_WAIT_SECONDS = 1
# What counts what happened, and is not a setting.
COUNTING = {"gtid_binlog_pos", "gtid_binlog_state", "gtid_current_pos", "timestamp", "error_count", "warning_count"}


@pytest.fixture(scope="module")
def own_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("neighbour")
    variables = {"innodb_lock_wait_timeout": LOCK_WAIT_SECONDS, "lock_wait_timeout": LOCK_WAIT_SECONDS}
    with Lab(folder, **variables) as lab:
        yield lab
    shutil.rmtree(folder)


def settings(lab: Lab) -> dict[str, str]:
    with closing(connect(lab.login)) as connection:
        return {name: value for name, value in fetch_all(connection, "SHOW GLOBAL VARIABLES") if name not in COUNTING}


def transactions(lab: Lab) -> list[tuple[Any, ...]]:
    with closing(connect(lab.login)) as connection:
        return fetch_all(connection, "SELECT trx_id, trx_query FROM information_schema.INNODB_TRX")


def record_of(lab: Lab) -> dict[str, Any]:
    newest = max(lab.report_path.glob(f"{SITE}-*/report.json"), key=lambda path: path.stat().st_mtime_ns)
    record: dict[str, Any] = json.loads(newest.read_text())
    return record


@pytest.mark.promise(14)
def test_neighbours_notice_nothing_of_a_recovery(own_lab: Lab, tmp_path: Path) -> None:
    own_lab.backup(SITE)
    neighbour = WholeRecovery(own_lab, NEIGHBOUR, own_lab.state_path)
    before, settings_before = neighbour.live(), settings(own_lab)
    with (
        Writer(own_lab, NEIGHBOUR) as through_application,
        Writer(own_lab, NEIGHBOUR, directly=True) as directly,
        Prober(own_lab.web_port, NEIGHBOUR) as prober,
        playbook_process(own_lab, tmp_path, {"site": SITE}) as process,
    ):
        output, _nothing = process.communicate()
    assert process.returncode == 0, output
    assert (through_application.refused_at, directly.refused_at, prober.failures()) == ([], [], [])
    written = {write.name for writer in (through_application, directly) for write in writer.acknowledged}
    assert written
    with closing(own_lab.connect(NEIGHBOUR)) as connection:
        assert written <= {row[0] for row in fetch_all(connection, "SELECT name FROM tabToDo")}
    after = neighbour.live()
    assert after.configuration == before.configuration
    assert after.content.files == before.content.files
    assert {name for name, checksum in after.content.tables.items() if checksum != before.content.tables[name]} == {
        "tabToDo"
    }
    assert settings(own_lab) == settings_before
    assert transactions(own_lab) == []


@pytest.mark.promise(24)
def test_a_set_that_does_not_serve_is_taken_back(own_lab: Lab, tmp_path: Path) -> None:
    with closing(own_lab.connect(SITE)) as connection:
        execute(connection, "RENAME TABLE tabUser TO `tabUser of somewhere else`")
        own_lab.backup(SITE, folder=tmp_path / "set")
        execute(connection, "RENAME TABLE `tabUser of somewhere else` TO tabUser")
    recovery = WholeRecovery(own_lab, SITE, own_lab.state_path)
    before = recovery.live()
    # It never comes to serve: no longer than a person would have to wait for that.
    wait = {"lifeboat_recovery_web_timeout_seconds": 30}
    variables = {"site": SITE, "lifeboat_backup_paths": [str(tmp_path / "set")], **wait}
    with playbook_process(own_lab, tmp_path, variables) as process:
        output, _nothing = process.communicate()
    assert process.returncode != 0
    assert "The previous site was put back and serves again." in output
    assert recovery.live() == before
    assert ask(own_lab.web_port, SITE, "/login") == 200
    record = record_of(own_lab)
    assert (record["outcome"], record["error"]["code"]) == ("rolled_back", "site_unhealthy")
    assert "login" in record["error"]["reason"]
    assert record["downtime_seconds"] is not None
