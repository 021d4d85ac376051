from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.rewrite import with_definer
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.definitions import (
    definer_statement,
    dependent_last,
    sequence_statements,
    table_statement,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.schema import (
    SequenceDefinition,
    TableDefinition,
    TriggerDefinition,
    ViewDefinition,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

TABLE = TableDefinition(
    "tabGL Entry",
    "InnoDB",
    "tabGL@0020Entry",
    "CREATE TABLE `tabGL Entry` (\n  `name` varchar(140) NOT NULL COMMENT 'of `tabGL Entry`',\n  PRIMARY KEY (`name`)\n"
    ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
)
SEQUENCE = SequenceDefinition(
    "a_seq", "CREATE SEQUENCE `a_seq` start with 1 minvalue 1 maxvalue 99 increment by 1 nocache nocycle", 42
)
VIEW = ViewDefinition(
    "open notes",
    "CREATE ALGORITHM=UNDEFINED DEFINER=`_old`@`%` SQL SECURITY DEFINER VIEW `open notes` AS select 1 AS `one`",
    "utf8mb4",
    "utf8mb4_unicode_ci",
)
TRIGGER = TriggerDefinition(
    "tr",
    "tabGL Entry",
    "CREATE DEFINER=`_old`@`%` TRIGGER `tr` BEFORE INSERT ON `tabGL Entry` FOR EACH ROW SET NEW.name = 'x'",
    "STRICT_TRANS_TABLES",
    "utf8mb4",
    "utf8mb4_general_ci",
)


def test_a_table_is_created_under_the_name_that_is_asked_for():
    statement = table_statement(TABLE, "import 7")
    assert statement.startswith(b"CREATE TABLE `import 7` (")
    assert b"COMMENT 'of `tabGL Entry`'" in statement
    assert table_statement(TABLE, TABLE.name) == TABLE.create.encode()


def test_a_sequence_goes_on_with_a_value_that_it_had_not_given_out():
    assert sequence_statements(SEQUENCE)[1] == b"DO SETVAL(`a_seq`, 42, 0)"


def test_views_and_triggers_keep_their_session_and_get_another_definer():
    view, trigger = definer_statement(VIEW), definer_statement(TRIGGER)
    assert (view.session.character_set, view.session.collation) == ("utf8mb4", "utf8mb4_unicode_ci")
    assert (trigger.session.collation, trigger.session.sql_mode) == ("utf8mb4_general_ci", "STRICT_TRANS_TABLES")
    for statement in (view, trigger):
        text = with_definer(statement, "_new", "localhost")
        assert b"DEFINER=`_new`@`localhost`" in text
        assert b"_old" not in text


def test_a_view_comes_after_those_that_it_names():
    first = replace(VIEW, name="first", create="CREATE VIEW `first` AS select * from `second`")
    second = replace(VIEW, name="second", create="CREATE VIEW `second` AS select * from `third`")
    third = replace(VIEW, name="third", create="CREATE VIEW `third` AS select 1 AS `one`")
    assert [view.name for view in dependent_last([first, second, third])] == ["third", "second", "first"]


def test_columns_that_are_called_as_views_end_the_ordering_all_the_same():
    first = replace(VIEW, name="first", create="CREATE VIEW `first` AS select 1 AS `second`")
    second = replace(VIEW, name="second", create="CREATE VIEW `second` AS select 1 AS `first`")
    assert len(dependent_last([first, second])) == 2


@pytest.mark.parametrize(
    "create",
    [
        "DROP DATABASE `_live`",
        "CREATE TABLE `_live`.`tabGL Entry` (`name` int) ENGINE=InnoDB",
        "CREATE TABLE `tabUser` (`name` int) ENGINE=InnoDB",
        "CREATE TABLE `tabGL Entry` (`name` int) ENGINE=MyISAM",
        "CREATE TABLE `tabGL Entry` (`name` int) ENGINE=InnoDB DATA DIRECTORY='/etc'",
        "CREATE SEQUENCE `tabGL Entry` start with 1",
    ],
    ids=["another statement", "another database", "another table", "another engine", "a folder", "a sequence"],
)
def test_what_is_not_that_table_is_refused_unexecuted(create):
    with pytest.raises(LifeboatError) as raised:
        table_statement(replace(TABLE, create=create), "import 1")
    assert raised.value.error_code == "statement_refused"
    assert "dump at line" not in raised.value.message


def test_what_is_not_that_sequence_view_or_trigger_is_refused_unexecuted():
    for definition in (replace(SEQUENCE, create=TABLE.create, name=TABLE.name), replace(SEQUENCE, name="b_seq")):
        with pytest.raises(LifeboatError):
            sequence_statements(definition)
    bad = [
        replace(VIEW, create=TABLE.create, name=TABLE.name),
        replace(VIEW, create="CREATE VIEW `open notes` AS select * from `_live`.`__Auth`"),
        replace(VIEW, character_set="utf8mb4; DROP DATABASE _live"),
        replace(VIEW, collation="x, sql_log_bin = 0"),
        replace(TRIGGER, sql_mode="ORACLE"),
        replace(TRIGGER, sql_mode="', sql_log_bin = '0"),
    ]
    for definition in bad:
        with pytest.raises(LifeboatError) as raised:
            definer_statement(definition)
        assert raised.value.error_code == "statement_refused"
