"""schema.quarantine_lines and schema.advice: what people read."""

from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.advice import Advice
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.apply import Action
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.ghosts import Ghost
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.orphans import (
    OrphanReport,
    Orphans,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.quarantine import Limits
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.quarantine_lines import (
    quarantine_lines,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.state import SchemaState

from tests.schema_facts import NOW, entry


def test_quarantine_says_what_was_done_and_what_waits() -> None:
    state = SchemaState().with_entry(entry()).with_entry(entry("due", until=NOW))
    done = [Action("ignore", entry(), "asked for"), Action("drop", entry("old"), "asked for")]
    planned = quarantine_lines(done, state, (), NOW, Limits(), is_planned=True)
    assert planned[0] == "would be done: tabToDo: plain is ignored (asked for)"
    assert quarantine_lines(done, state, [("tabToDo", "other")], NOW, Limits()) == [
        "tabToDo: plain is ignored (asked for)",
        "tabToDo: old is dropped (asked for); the way back: ALTER TABLE ...",
        "tabToDo: plain is in quarantine until 2026-04-02",
        "tabToDo: due was missed by nobody: drop it with state=dropped until 2026-03-08, else it comes back",
        "tabToDo: other was ignored by somebody else, or came so with a backup:"
        " ALTER TABLE `tabToDo` WAIT 5 ALTER INDEX `other` NOT IGNORED;",
    ]


def test_advice_shows_the_first_of_each_kind_and_how_to_back_up() -> None:
    ghosts = [Ghost("sequence", f"s{number}", (), 0, 0, "DROP ...") for number in range(12)]
    rows = [
        Orphans("child", "tabRow", "Kind", False, 1, "DELETE ..."),
        Orphans("doctype", "tabSingles", "Lost", True, 2, "DELETE ..."),
    ]
    report = OrphanReport(rows, {"tabBig": "out of time"})
    advice = Advice(usage="used.", ghosts=ghosts, orphans=report, backup_command="mariadb-dump ...")
    lines = advice.lines()
    assert lines[0] == "used."
    assert lines[11] == "ghosts: 2 more are in the result"
    assert lines[12:] == [
        "tabRow: 1 row of documents of Kind that are gone: DELETE ...",
        "tabSingles: 2 rows of Lost, which is no DocType: DELETE ...",
        "tabBig: not looked at to the end: out of time",
        "before anything of that is deleted or dropped: mariadb-dump ...",
    ]
    assert advice.as_dict()["orphans"][0]["rows"] == 1
    assert Advice().lines() == []
