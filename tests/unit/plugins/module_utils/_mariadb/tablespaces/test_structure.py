from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces import structure
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.schema import (
    Schema,
    SequenceDefinition,
    TableDefinition,
    ViewDefinition,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.structure import (
    ERROR_NO_SUCH_TABLE,
    Structure,
    read_structure,
)

TABLE = TableDefinition("tabTask", "InnoDB", "tabTask", "CREATE TABLE `tabTask` (\n) ENGINE=InnoDB AUTO_INCREMENT=5 ")
VIEW = ViewDefinition("view", "CREATE VIEW `view` AS select 1", "utf8mb4", "utf8mb4_general_ci")
SCHEMA = Schema("utf8mb4", "utf8mb4_unicode_ci", (TABLE,), (SequenceDefinition("s", "CREATE ...", 1),), (VIEW,), ())
FILES = frozenset({("_abc/tabTask", 20, 6)})
BEFORE = Structure(SCHEMA, FILES)


def test_inserts_change_no_structure() -> None:
    later = replace(
        SCHEMA,
        tables=(replace(TABLE, create=TABLE.create.replace("=5 ", "=6 ")),),
        sequences=(SequenceDefinition("s", "CREATE ...", 1001),),
    )
    assert Structure(later, FILES).changed_since(BEFORE) == []


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        (Structure(SCHEMA, frozenset({("_abc/tabTask", 21, 7)})), ["_abc/tabTask"]),
        (Structure(replace(SCHEMA, views=()), FILES), ["view"]),
        (Structure(replace(SCHEMA, tables=(replace(TABLE, create="CREATE TABLE 2"),)), FILES), ["tabTask"]),
    ],
    ids=["emptied", "dropped", "altered"],
)
def test_what_changed_is_named(after: Structure, changed: list[str]) -> None:
    assert after.changed_since(BEFORE) == changed


def test_table_that_is_dropped_while_the_list_is_read_makes_it_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = [OSError(ERROR_NO_SUCH_TABLE, "no such table"), SCHEMA]

    def answer(_connection: Any, _database: str) -> Schema:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, Schema)
        return found

    monkeypatch.setattr(structure, "read_schema", answer)
    monkeypatch.setattr(
        structure, "fetch_all", lambda *_arguments: [("_abc/tabTask", 20, 6), ("_abc/FTS_0000_CONFIG", 21, 7)]
    )
    assert read_structure(None, "_abc", "_abc") == BEFORE


def test_other_errors_of_the_server_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_connection: Any, _database: str) -> Schema:
        raise OSError(1045, "denied")

    monkeypatch.setattr(structure, "read_schema", fail)
    with pytest.raises(OSError, match="denied"):
        read_structure(None, "_abc", "_abc")
