"""schema.choice: what is done with indexes, by what was asked for and by what was found."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.choice import Choice, Wanted, choose
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.definitions import Definitions
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.index_findings import find_indexes
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.quarantine import Entry, Limits
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.state import SchemaState

from tests.schema_facts import NOW, TODO, entry, facts, index, watch

KEY = (TODO, "plain")
IGNORED = index("plain", is_ignored=True)


def decide(state: str = "advised", *names: str, entries: tuple[Entry, ...] = (), **values: Any) -> Choice:
    candidates = values.pop("candidates", False)
    given = {"watch": watch(), "entries": {known.key: known for known in entries}, **values.pop("remembered", {})}
    schema = facts(**{"indexes": [IGNORED], **values})
    wanted = Wanted(state, tuple((TODO, name) for name in names), candidates)
    known = SchemaState(**given)
    findings = find_indexes(schema, known.watch, (), NOW, 35)
    lines = [f"  KEY `{name}` (`a` DESC) COMMENT 'x'," for name in ("plain", "returned")]
    definitions = Definitions(lambda _statement: [(TODO, "\n".join(lines))])
    return choose(wanted, "a.example", schema, known, findings, definitions, NOW, Limits())


def actions(choice: Choice) -> list[tuple[str, str]]:
    return [(action.kind, action.entry.index) for action in choice.actions]


def reasons(choice: Choice) -> str:
    assert all(error.error_code == "index_refused" for error in choice.refused)
    return " ".join(error.message for error in choice.refused)


def test_quarantine_is_looked_after_whatever_is_asked_for() -> None:
    gone, used = entry("gone"), entry("used")
    choice = decide(
        entries=(entry("plain", phase="planned"), gone, used, entry("bad", database="_other")),
        indexes=[IGNORED, index("used"), index("bad", is_ignored=True)],
    )
    assert {key[1]: known.phase for key, known in choice.state.entries.items()} == {
        "plain": "ignored",
        "bad": "ignored",
    }
    assert choice.state.dropped[0]["index"] == "gone"
    assert actions(choice) == [("restore", "bad")]


def test_index_that_may_be_tried_is_ignored() -> None:
    choice = decide("ignored", "plain", "plain", indexes=[index("plain")])
    assert actions(choice) == [("ignore", "plain")]
    assert choice.actions[0].reason == "was not used in 40 days"
    assert "ADD KEY `plain` (`a` DESC) COMMENT 'x', ALGORITHM" in choice.actions[0].entry.create_statement
    used = decide("ignored", "plain", indexes=[index("plain")], remembered={"watch": watch(used=frozenset({KEY}))})
    assert used.actions[0].reason == "asked for"


def test_index_in_quarantine_needs_nothing_more() -> None:
    choice = decide("ignored", "plain", entries=(entry(),))
    assert (choice.actions, choice.refused) == ([], [])
    # One that was noted and not ignored is begun again.
    again = decide("ignored", "plain", entries=(entry(phase="planned", since=NOW - 60),), indexes=[index("plain")])
    assert actions(again) == [("ignore", "plain")]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"indexes": []}, "there is no such index"),
        ({}, "somebody else ignores it already"),
        ({"indexes": [index("plain", is_unique=True)]}, "it is unique"),
        ({"indexes": [index("plain")], "declared": frozenset({KEY})}, "Frappe makes it again"),
        ({"indexes": [index("plain")], "declared": None}, "which indexes DocTypes declare is unknown"),
        ({"indexes": [index("plain")], "remembered": {"watch": None}}, "counts neither"),
        ({"indexes": [index("plain")], "remembered": {"watch": watch(0.1)}}, "are needed"),
        ({"entries": (entry(database="_other"),)}, "it comes back in this run (the site has another database now)"),
    ],
    ids=["missing", "ignored", "unique", "declared", "unknown", "uncounted", "young", "coming back"],
)
def test_index_that_must_not_be_tried_is_refused(values: dict[str, Any], reason: str) -> None:
    choice = decide("ignored", "plain", **values)
    assert reason in reasons(choice)
    assert "ignore" not in [kind for kind, _name in actions(choice)]


def test_candidates_are_what_is_advised_and_did_not_come_back_before() -> None:
    indexes = [index("plain"), index("returned"), index("modified"), index("known", is_ignored=True)]
    returned = {"returned": {(TODO, "returned"): "it was needed"}}
    choice = decide("ignored", candidates=True, indexes=indexes, entries=(entry("known"),), remembered=returned)
    assert (actions(choice), choice.refused) == ([("ignore", "plain")], [])
    named = decide("ignored", "returned", indexes=indexes, remembered=returned)
    assert actions(named) == [("ignore", "returned")]


def test_what_is_in_quarantine_comes_back_when_asked_for() -> None:
    both = (entry(), entry("other"), entry("new", phase="planned", since=NOW))
    indexes = [IGNORED, index("other", is_ignored=True), index("new")]
    assert actions(decide("restored", entries=both, indexes=indexes)) == [("restore", "plain"), ("restore", "other")]
    assert actions(decide("restored", "other", entries=both, indexes=indexes)) == [("restore", "other")]
    # One that comes back anyway does so once; one that is in use already needs nothing.
    assert actions(decide("restored", entries=(entry(database="_other"),))) == [("restore", "plain")]
    assert decide("restored", "plain", indexes=[index("plain")]).refused == []


def test_what_is_not_in_quarantine_is_not_brought_back() -> None:
    assert "it is not in quarantine" in reasons(decide("restored", "plain"))
    assert "it is not in quarantine" in reasons(decide("restored", "missing"))


def test_index_is_dropped_after_its_watch() -> None:
    assert actions(decide("dropped", "plain", entries=(entry(until=NOW),))) == [("drop", "plain")]
    early = decide("dropped", "plain", entries=(entry(),))
    assert (early.actions, "its watch lasts until 2026-04-02" in reasons(early)) == ([], True)
    assert "put it there first" in reasons(decide("dropped", "plain"))
    returning = decide("dropped", "plain", entries=(entry(until=NOW, database="_other"),))
    assert (actions(returning), "it comes back" in reasons(returning)) == ([("restore", "plain")], True)
    gone = {"dropped": ({"table": TODO, "index": "plain"},)}
    assert decide("dropped", "plain", indexes=[], remembered=gone).refused == []
