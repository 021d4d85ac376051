"""schema.apply: each change is written down before it happens and after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pymysql
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.apply import (
    Action,
    Applied,
    apply_actions,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.state import SchemaState, StateFile

from tests.schema_facts import NOW, TODO, entry

KEY = (TODO, "plain")


class Connection:
    """Runs no statement, but notes what was written down when it came."""

    def __init__(self, file: StateFile, error: int = 0) -> None:
        self.file = file
        self.error = error
        self.seen: list[tuple[str, list[str]]] = []

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def cursor(self) -> Connection:
        """Return what runs statements."""
        return self

    def execute(self, statement: str, _arguments: Any = None) -> int:
        """Note a statement."""
        self.seen.append((statement, [known.phase for known in self.file.read().entries.values()]))
        if self.error:
            raise pymysql.err.OperationalError(self.error, "no")
        return 0


def apply(folder: Path, kind: str, phase: str, error: int = 0) -> tuple[Applied, Connection, StateFile]:
    file = StateFile(folder, "a.example")
    known = entry(phase=phase)
    state = SchemaState() if phase == "planned" else SchemaState().with_entry(known)
    file.write(state)
    connection: Any = Connection(file, error)
    applied = apply_actions(connection, file, state, [Action(kind, known, "why")], "a.example", NOW)
    return applied, connection, file


@pytest.mark.parametrize(
    ("kind", "phase", "during", "after"),
    [
        ("ignore", "planned", ["planned"], ["ignored"]),
        ("restore", "ignored", ["ignored"], []),
        ("drop", "ignored", ["dropping"], []),
    ],
)
def test_index_is_written_down_while_its_statement_runs(
    tmp_path: Path, kind: str, phase: str, during: list[str], after: list[str]
) -> None:
    applied, connection, file = apply(tmp_path, kind, phase)
    assert [phases for _statement, phases in connection.seen] == [during]
    assert [known.phase for known in file.read().entries.values()] == after
    assert file.read() == applied.state
    assert [action.kind for action in applied.done] == [kind]


def test_what_became_of_an_index_is_remembered(tmp_path: Path) -> None:
    assert apply(tmp_path, "restore", "ignored")[2].read().returned == {KEY: "why"}
    assert apply(tmp_path, "drop", "ignored")[2].read().dropped[0]["at"] == NOW


def test_table_that_others_have_is_given_up(tmp_path: Path) -> None:
    applied, _connection, file = apply(tmp_path, "ignore", "planned", 1205)
    assert [error.error_code for error in applied.refused] == ["index_busy"]
    assert "for 5 seconds somebody else" in applied.refused[0].message
    assert (applied.done, dict(file.read().entries)) == ([], {})


def test_lost_connection_leaves_the_note(tmp_path: Path) -> None:
    applied, _connection, file = apply(tmp_path, "ignore", "planned", 2013)
    assert [error.error_code for error in applied.refused] == ["mariadb_lost"]
    assert (applied.done, file.read().entries[KEY].phase) == ([], "planned")
    assert applied.state == file.read()


def test_action_is_told_with_its_statement() -> None:
    told = Action("drop", entry(), "asked for").as_dict()
    assert told["statement"] == "ALTER TABLE `tabToDo` WAIT 5 DROP INDEX `plain`, ALGORITHM=NOCOPY, LOCK=NONE;"
    assert told["create_statement"] == "ALTER TABLE ..."
