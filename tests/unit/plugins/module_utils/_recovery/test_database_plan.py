from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import LOGICAL, PHYSICAL
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import ServerFacts
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.database_plan import (
    DatabasePlan,
    StagedState,
    check_replicas,
    plan_absent,
    plan_present,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.database_source import Origin
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.load_choice import LoadChoice
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.promotion_state import NOT_BEGUN, PROMOTED
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

WANTED = Origin("/backups/dump.sql.gz", 7)
LOAD = LoadChoice(LOGICAL, "The set holds a dump.")


def facts(binary_log: bool = True, replicas: int = 0) -> ServerFacts:
    return ServerFacts("10.11", "/data", "host", 3306, binary_log, 1 << 24, 1 << 14, replicas)


def present(state: StagedState, server: ServerFacts | None = None, binary_log: str = "logged") -> DatabasePlan:
    return plan_present(WANTED, LOAD, state, server or facts(), 4, binary_log)


@pytest.mark.parametrize(
    ("state", "drops"),
    [
        (StagedState("", None, NOT_BEGUN), ""),
        (StagedState("", WANTED, NOT_BEGUN), ""),
        (StagedState("_half", None, NOT_BEGUN), "_half"),
        (StagedState("_other", Origin("/backups/other.sql.gz", 7), NOT_BEGUN), "_other"),
        (StagedState("_changed", Origin(WANTED.path, 8), NOT_BEGUN), "_changed"),
    ],
    ids=["nothing there", "dropped since", "half loaded", "another set", "the dump changed"],
)
def test_what_is_not_whole_and_of_this_dump_is_loaded_again(state, drops):
    assert present(state) == DatabasePlan(WANTED.path, 7, LOAD, drops, 4)
    assert not present(state).is_empty


@pytest.mark.parametrize(
    "state", [StagedState("_done", WANTED, NOT_BEGUN), StagedState("_live", None, PROMOTED)], ids=["staged", "promoted"]
)
def test_what_is_there_stays(state):
    assert present(state).is_empty
    assert present(state).as_dict()["warnings"] == []


def test_what_replicas_get_is_never_silent():
    nothing = StagedState("", None, NOT_BEGUN)
    assert present(nothing, facts(binary_log=False), "skipped").warnings == ()
    assert present(nothing, facts()).warnings == ()
    assert "2 replicas" in present(nothing, facts(replicas=2)).warnings[0]
    assert "seeded again" in present(nothing, facts(), "skipped").warnings[0]


def test_an_import_is_never_in_the_binary_log_and_the_plan_says_so():
    nothing = StagedState("", None, NOT_BEGUN)
    load = LoadChoice(PHYSICAL, "The files of the set's tables are imported.")
    plan = plan_present(WANTED, load, nothing, facts(), 4, "logged")
    assert plan.binary_log == "skipped"
    assert "new base backup" in plan.warnings[0]
    assert plan.as_dict()["load"] == {"kind": "physical", "reason": load.reason}
    assert plan_present(WANTED, load, nothing, facts(binary_log=False), 4, "logged").binary_log == "logged"


def test_a_staging_database_is_dropped_before_its_promotion_alone():
    assert plan_absent(StagedState("", None, PROMOTED)).is_empty
    assert plan_absent(StagedState("_staged", WANTED, NOT_BEGUN)).drops == "_staged"
    with pytest.raises(LifeboatError) as raised:
        plan_absent(StagedState("_live", WANTED, PROMOTED))
    assert raised.value.error_code == "database_in_use"


@pytest.mark.parametrize(
    ("binary_log", "outcome", "words"),
    [("logged", "passed", "2 replicas follow this server"), ("skipped", "warning", "must be seeded again")],
)
def test_a_recovery_with_replicas_says_what_they_get(binary_log, outcome, words):
    (check,) = check_replicas(facts(replicas=2), binary_log)
    assert (check.name, check.outcome) == ("replicas", outcome)
    assert words in check.text
    assert check_replicas(facts(), binary_log) == [], "none follows"
