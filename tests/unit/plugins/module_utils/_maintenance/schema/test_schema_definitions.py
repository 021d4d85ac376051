"""schema.definitions: the server's own words, asked once a table."""

from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.definitions import Definitions

STATEMENT = """CREATE TABLE `tabToDo` (
  `name` varchar(140) NOT NULL,
  `status` text DEFAULT NULL COMMENT 'a, b',
  PRIMARY KEY (`name`),
  KEY `status` (`status`(20) DESC) IGNORED,
  KEY `last` (`name`,`status`(9)) COMMENT 'x'
) ENGINE=InnoDB"""


def test_definitions_are_those_of_the_table() -> None:
    asked = []

    def query(statement: str) -> list[tuple[str, str]]:
        asked.append(statement)
        return [("tabToDo", STATEMENT)]

    definitions = Definitions(query)
    assert definitions.column("tabToDo", "status") == "text DEFAULT NULL COMMENT 'a, b'"
    assert definitions.index("tabToDo", "status") == "KEY `status` (`status`(20) DESC)"
    assert definitions.index("tabToDo", "last") == "KEY `last` (`name`,`status`(9)) COMMENT 'x'"
    assert asked == ["SHOW CREATE TABLE `tabToDo`"]
