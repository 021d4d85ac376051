"""The fence: writers that never stop, a promotion and a rollback on the lab, for Frappe 15 and 16."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.promotion_run import (
    run_promoted,
    run_rolled_back,
)

from tests.lab import Lab, Prober, Writer
from tests.lab.processes import wait_until
from tests.lab_stage import LabStage, moment_of

ALPHA, BETA = "alpha.localhost", "beta.localhost"
RECOVERY = "20261121T031522Z-9f3a"
SERVICE_UNAVAILABLE = 503


@pytest.fixture(params=[15, 16], scope="module")
def own_lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp(f"lab-{request.param}"), frappe_version=request.param) as lab:
        yield lab


def wait_for_writes(*writers: Writer) -> None:
    """Wait until every writer's writes are acknowledged again."""
    since = time.time()
    for writer in writers:
        wait_until(lambda writer=writer: len(writer.acknowledged_since(since)) >= 5, "writes", timeout_seconds=90)


@pytest.mark.promise(14)
@pytest.mark.promise(24)
def test_no_write_is_ever_acknowledged_by_a_database_that_is_not_live(own_lab: Lab) -> None:
    stage = LabStage(own_lab, ALPHA, RECOVERY)
    log: dict[str, list[str]] = {}
    with (
        closing(connect(own_lab.login)) as administrator,
        closing(own_lab.connect(ALPHA)) as idle,
        Writer(own_lab, ALPHA) as through_application,
        Writer(own_lab, ALPHA, directly=True) as directly,
        Writer(own_lab, BETA) as neighbour,
        Writer(own_lab, BETA, directly=True) as neighbour_directly,
        Prober(own_lab.web_port, ALPHA) as prober,
        Prober(own_lab.web_port, BETA) as neighbour_prober,
    ):
        writers = (through_application, directly)
        wait_for_writes(*writers, neighbour)
        idle.begin()
        execute(idle, "UPDATE tabToDo SET description = 'never committed'")

        promoted = run_promoted(administrator, stage.request())
        wait_for_writes(*writers)
        fenced_at = moment_of(stage.journal, "promote.fence", "done")
        after_promotion = {name for writer in writers for name in writer.acknowledged_since(fenced_at)}
        log["old after promotion"] = sorted(after_promotion & stage.todo_names(stage.old))
        log["missing in new"] = sorted(after_promotion - stage.todo_names(stage.new))

        rolled_back = run_rolled_back(administrator, stage.request())
        wait_for_writes(*writers)
        fenced_again_at = moment_of(stage.journal, "rollback.fence", "done")
        after_rollback = {name for writer in writers for name in writer.acknowledged_since(fenced_again_at)}
        log["new after rollback"] = sorted(after_rollback & stage.todo_names(stage.new))
        log["missing in old"] = sorted(after_rollback - stage.todo_names(stage.old))

    assert log == {name: [] for name in log}
    assert (promoted["database"], promoted["replaced_database"]) == (stage.new, stage.old)
    assert (rolled_back["database"], rolled_back["replaced_database"]) == (stage.old, stage.new)
    assert own_lab.site_config(ALPHA)["db_name"] == stage.old
    assert neighbour_prober.failures() == []
    assert neighbour.refused_at == neighbour_directly.refused_at == []
    statuses = {status for outage in prober.outages() for status in outage.statuses}
    if own_lab.frappe_version == 15:
        assert statuses <= {SERVICE_UNAVAILABLE}
