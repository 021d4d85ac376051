"""schema.state: what is remembered between runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.state import (
    DROPPED_KEPT,
    SchemaState,
    StateFile,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.statement_use import (
    StatementCounts,
    StatementsBefore,
    StatementWatch,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.schema_facts import NOW, TODO, entry, watch


def test_state_is_the_same_after_it_was_written(tmp_path: Path) -> None:
    file = StateFile(tmp_path, "a.example")
    assert file.read() == SchemaState()
    before = StatementsBefore(NOW, {"a": (1, 2)})
    ran = StatementWatch(NOW, StatementCounts("slow_log", {}))
    state = (
        SchemaState(watch=watch(), statements=ran)
        .with_entry(entry(before=before))
        .with_entry(entry("gone"))
        .with_entry(entry("back"))
    )
    state = state.with_dropped(entry("gone"), NOW).with_returned(entry("back"), "it was needed")
    file.write(state)
    assert file.read() == state
    assert list(state.entries) == [(TODO, "plain")]
    assert state.dropped[0]["create_statement"] == "ALTER TABLE ..."
    assert file.path.parent.stat().st_mode & 0o77 == 0
    assert state.without((TODO, "plain")).entries == {}
    file.write(SchemaState())
    assert file.read().watch is None


def test_state_without_statements_is_read(tmp_path: Path) -> None:
    file = StateFile(tmp_path, "a.example")
    file.write(SchemaState().with_entry(entry()))
    values = json.loads(file.path.read_text())
    del values["statements"], values["entries"][0]["before"]
    file.path.write_text(json.dumps(values))
    assert file.read() == SchemaState().with_entry(entry())


def test_list_of_dropped_indexes_does_not_grow_for_ever() -> None:
    state = SchemaState()
    for number in range(DROPPED_KEPT + 1):
        state = state.with_dropped(entry(f"index-{number}"), NOW)
    assert [len(state.dropped), state.dropped[0]["index"]] == [DROPPED_KEPT, "index-1"]


@pytest.mark.parametrize("content", ["{", "{}", '{"watch": null, "entries": [{}], "dropped": [], "returned": []}'])
def test_state_that_cannot_be_read_is_not_begun_anew(tmp_path: Path, content: str) -> None:
    file = StateFile(tmp_path, "a.example")
    file.path.parent.mkdir()
    file.path.write_text(content)
    with pytest.raises(LifeboatError, match="IGNORED = 'YES'") as caught:
        file.read()
    assert caught.value.error_code == "schema_state_invalid"


def test_state_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.example").touch()
    with pytest.raises(LifeboatError, match="Make room there") as caught:
        StateFile(tmp_path, "a.example").write(SchemaState())
    assert caught.value.error_code == "disk_space"
