from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.schema import (
    Schema,
    SequenceDefinition,
    TableDefinition,
    TriggerDefinition,
    ViewDefinition,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.tablespace_set import (
    TableFiles,
    TablespaceFile,
    TablespaceSet,
    read_tablespace_set,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

TABLE = "CREATE TABLE `tabÄ` (\n  `text` text,\n  FULLTEXT KEY `text` (`text`)\n) ENGINE=InnoDB AUTO_INCREMENT=10 "
SCHEMA = Schema(
    "utf8mb4",
    "utf8mb4_unicode_ci",
    (
        TableDefinition("tabLog", "MyISAM", "tabLog", "CREATE TABLE `tabLog` (\n  `a` int\n) ENGINE=MyISAM"),
        TableDefinition("tabÄ", "InnoDB", "tab@0K", TABLE),
    ),
    (SequenceDefinition("task_id_seq", "CREATE SEQUENCE `task_id_seq`", 1001),),
    (ViewDefinition("view", "CREATE VIEW `view` AS select 1", "utf8mb4", "utf8mb4_general_ci"),),
    (TriggerDefinition("trigger", "tabÄ", "CREATE TRIGGER ...", "", "utf8mb4", "utf8mb4_general_ci"),),
)
TABLES = (
    TableFiles("tabLog", "MyISAM", (TablespaceFile("tabLog.MYD", 10, "a1"), TablespaceFile("tabLog.MYI", 1024, "a2"))),
    TableFiles("tabÄ", "InnoDB", (TablespaceFile("tab@0K.ibd", 65536, "b1"), TablespaceFile("tab@0K.cfg", 500, "b2"))),
)


@pytest.fixture
def tablespaces(tmp_path: Path) -> TablespaceSet:
    return TablespaceSet(tmp_path / "tablespaces", "_abc", SCHEMA, TABLES, "10.11.19-MariaDB", 16384)


def test_set_is_read_as_it_was_described(tablespaces: TablespaceSet, tmp_path: Path) -> None:
    tablespaces.describe(tmp_path / "schema.json")
    assert read_tablespace_set((tmp_path / "schema.json").read_bytes(), tablespaces.folder) == tablespaces


def test_sizes_and_pages(tablespaces: TablespaceSet) -> None:
    assert tablespaces.size_bytes == 10 + 1024 + 65536 + 500
    assert [table.pages(tablespaces.page_size_bytes) for table in tablespaces.tables] == [None, 4]


def test_fulltext_is_an_index_not_a_word() -> None:
    assert [table.has_fulltext for table in SCHEMA.tables] == [False, True]


def test_schemas_differ_by_what_is_created_not_by_what_inserts_count() -> None:
    one_more = TABLE.replace("=10 ", "=11 ")
    assert "AUTO_INCREMENT" not in SCHEMA.without_counters().tables[1].create
    assert SCHEMA.without_counters().sequences[0].next_value == 0
    assert one_more != TABLE
    other = Schema.from_dict(json.loads(json.dumps(SCHEMA.as_dict()).replace("=10 ", "=11 ").replace("1001", "2001")))
    assert other != SCHEMA
    assert other.without_counters() == SCHEMA.without_counters()


def _set(*path: str | int, value: Any) -> Callable[[Any], Any]:
    def change(description: Any) -> Any:
        place = description
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
        return description

    return change


@pytest.mark.parametrize(
    "change",
    [
        _set("description_version", value=2),
        _set("tables", 1, "files", 0, "name", value="../tab@0K.ibd"),
        _set("tables", 1, "files", value=[]),
        _set("tables", value=[]),
        _set("schema", "tables", 1, "engine", value="Aria"),
        _set("schema", "tables", 1, "surprise", value=1),
        _set("page_size_bytes", value="many"),
        lambda description: [description],
        lambda description: json.loads(json.dumps(description).replace("tab@0K", "../../etc/tab")),
    ],
    ids=["version", "other-file", "no-file", "no-table", "engine", "unknown-field", "number", "list", "path"],
)
def test_description_that_was_changed_is_refused(
    tablespaces: TablespaceSet, tmp_path: Path, change: Callable[[Any], Any]
) -> None:
    tablespaces.describe(tmp_path / "schema.json")
    changed = change(json.loads((tmp_path / "schema.json").read_bytes()))
    with pytest.raises(LifeboatError, match="cannot be understood") as caught:
        read_tablespace_set(json.dumps(changed).encode(), tablespaces.folder)
    assert caught.value.error_code == "tablespaces_invalid"


def test_description_that_is_no_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LifeboatError, match="cannot be understood"):
        read_tablespace_set(b"\xff", tmp_path)
