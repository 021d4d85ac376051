"""How far a promotion is, from the journal alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import promotion_state as state
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.open(tmp_path, "erp.localhost", "20261121T031522Z-9f3a")


def test_status_follows_the_journal(journal: Journal) -> None:
    seen = [state.promotion_status(journal)]
    for step, event in (
        ("promote", "begin"),
        ("promote.intent", "done"),
        ("promote", "failed"),
        ("promote", "begin"),
        ("promote", "done"),
        ("rollback", "begin"),
        ("rollback", "failed"),
        ("rollback", "done"),
        ("retire", "begin"),
        ("retire", "done"),
    ):
        journal.append(step, event)
        seen.append(state.promotion_status(journal))
    assert seen == [
        state.NOT_BEGUN,
        state.NOT_BEGUN,
        state.PROMOTING,
        state.PROMOTING,
        state.PROMOTING,
        state.PROMOTED,
        state.ROLLING_BACK,
        state.ROLLING_BACK,
        state.ROLLED_BACK,
        state.RETIRING,
        state.RETIRED,
    ]


def test_promotion_that_never_began_has_no_intent(journal: Journal) -> None:
    with pytest.raises(LifeboatError) as error:
        state.read_intent(journal)
    assert error.value.error_code == "recovery_unknown"


def test_only_steps_that_were_done_below_the_name_count(journal: Journal) -> None:
    with journal.step("promote"), journal.step("promote.fence"):
        journal.append("promote.files", "begin")
    assert [step["name"] for step in state.finished_steps(journal, "promote")] == ["promote.fence"]
