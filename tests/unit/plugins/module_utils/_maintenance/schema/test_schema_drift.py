"""schema.drift: what is not as Frappe makes it, and what would mend it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.definitions import Definitions
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.drift import Drift, find_drift

from tests.schema_facts import UTF8MB4, column, facts, index, table

GENERAL = "utf8mb4_general_ci"
MIXED = "CREATE TABLE `tabToDo` (\n  `name` varchar(140) NOT NULL,\n  `a` {definition},\n  KEY `a` (`a`)\n)"


def drift(definition: str = "varchar(140) DEFAULT NULL", **values: Any) -> list[Drift]:
    definitions = Definitions(lambda _statement: [("tabToDo", MIXED.format(definition=definition))])
    return find_drift(facts(**values), definitions)


def test_schema_of_frappe_has_no_drift() -> None:
    tables = [
        table(),
        table("tabError Log", engine="MyISAM"),
        table("__UserSettings", collation="utf8mb3_general_ci"),
    ]
    columns = [column("name"), column("docstatus", ""), column("data", "utf8mb4_bin")]
    assert drift(tables=tables, columns=[*columns, column("user", "utf8mb3_general_ci", "__UserSettings")]) == []


def test_database_has_another_collation() -> None:
    (found,) = drift(collation="latin1_swedish_ci")
    assert (found.kind, found.bytes, found.is_online) == ("database_collation", 0, True)
    assert found.statement == "ALTER DATABASE `_erp` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;"
    assert found.text.startswith("the database is latin1_swedish_ci, not utf8mb4_unicode_ci (")


def test_engine_comes_before_its_row_format() -> None:
    (found,) = drift(tables=[table(engine="Aria", row_format="Page")])
    assert (found.kind, found.found, found.wanted, found.bytes) == ("engine", "Aria", "InnoDB", 98304)
    assert "LOCK=SHARED" in found.statement
    assert not found.is_online
    assert "whoever writes to it waits" in found.text
    assert "96.0 KiB" in found.text


@pytest.mark.parametrize(("kind", "lock", "is_online"), [("BTREE", "NONE", True), ("FULLTEXT", "SHARED", False)])
def test_row_format_is_changed_while_writers_go_on_where_that_is_possible(
    kind: str, lock: str, is_online: bool
) -> None:
    (found,) = drift(tables=[table(row_format="Compact")], indexes=[index("a", kind=kind)])
    assert found.statement == f"ALTER TABLE `tabToDo` WAIT 5 ROW_FORMAT=DYNAMIC, ALGORITHM=INPLACE, LOCK={lock};"
    assert found.is_online is is_online


def test_table_of_another_collation_is_converted_at_once() -> None:
    others = [table(), table("tabB"), table("tabC", collation=GENERAL)]
    columns = [column("name", GENERAL, "tabC"), column("a", GENERAL, "tabC")]
    (found,) = drift(tables=others, columns=columns)
    assert (found.kind, found.table, found.differs_from) == ("table_collation", "tabC", ("frappe", "database", "peers"))
    assert "CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci" in found.statement
    assert found.as_dict()["differs_from"] == ["frappe", "database", "peers"]
    assert found.as_dict()["is_online"] is False


def test_table_is_compared_with_its_database_and_its_peers() -> None:
    (_database, found) = drift(tables=[table(collation=GENERAL)], collation=GENERAL)
    assert found.differs_from == ("frappe",)
    assert (found.bytes, found.is_online) == (0, True)
    assert "DEFAULT CHARACTER SET utf8mb4" in found.statement


def test_binary_columns_keep_a_table_from_being_converted() -> None:
    columns = [column("a", GENERAL), column("data", "utf8mb4_bin")]
    found = drift(tables=[table(collation=GENERAL)], columns=columns)
    assert [(each.kind, each.column, each.differs_from) for each in found] == [
        ("table_collation", "", ("frappe", "database")),
        ("column_collation", "a", ("frappe",)),
    ]


@pytest.mark.parametrize(
    ("definition", "mended"),
    [
        ("varchar(9) CHARACTER SET latin1 COLLATE latin1_swedish_ci DEFAULT NULL", "varchar(9) {} DEFAULT NULL"),
        ("text COLLATE utf8mb4_general_ci", "text {}"),
        ("enum('a)','b''') COLLATE utf8mb4_general_ci NOT NULL", "enum('a)','b''') {} NOT NULL"),
        ("varchar(9) DEFAULT ' COLLATE x'", "varchar(9) {} DEFAULT ' COLLATE x'"),
    ],
)
def test_column_is_defined_again_with_frappes_collation(definition: str, mended: str) -> None:
    (found,) = drift(definition, columns=[column("a", GENERAL)])
    wanted = mended.format(f"CHARACTER SET utf8mb4 COLLATE {UTF8MB4}")
    assert found.statement == f"ALTER TABLE `tabToDo` WAIT 5 MODIFY `a` {wanted}, ALGORITHM=COPY, LOCK=SHARED;"
    assert found.differs_from == ("frappe", "table")
    assert found.text.startswith("tabToDo.a is utf8mb4_general_ci")
