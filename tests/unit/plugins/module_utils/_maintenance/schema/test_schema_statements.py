"""schema.statements: what is run, and what people are told to run."""

from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema import statements
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions


def test_changes_give_up_within_seconds() -> None:
    assert statements.ignoring("tab`X", "i") == "ALTER TABLE `tab``X` WAIT 5 ALTER INDEX `i` IGNORED;"
    assert statements.using("tabX", "i") == "ALTER TABLE `tabX` WAIT 5 ALTER INDEX `i` NOT IGNORED;"
    assert statements.dropping("tabX", "i") == "ALTER TABLE `tabX` WAIT 5 DROP INDEX `i`, ALGORITHM=NOCOPY, LOCK=NONE;"


def test_way_back_is_what_the_table_said() -> None:
    assert statements.creating("tabX", "KEY `i` (`a`, `b`(20))") == (
        "ALTER TABLE `tabX` WAIT 5 ADD KEY `i` (`a`, `b`(20)), ALGORITHM=NOCOPY, LOCK=NONE;"
    )


def test_orphans_go_in_small_steps() -> None:
    assert statements.deleting_orphans("tabRow", "parenttype", "parent", "O'Kind", None) == (
        "DELETE FROM `tabRow` WHERE `parenttype` = 'O''Kind' LIMIT 5000;"
    )
    assert statements.deleting_orphans("tabRow", "parenttype", "parent", "Kind", "tabKind") == (
        "DELETE FROM `tabRow` WHERE `parenttype` = 'Kind'"
        " AND NOT EXISTS (SELECT 1 FROM `tabKind` p WHERE p.name = `tabRow`.`parent`) LIMIT 5000;"
    )


def test_backup_command_has_no_password() -> None:
    login = LoginOptions("erp", "secret", "10.0.0.5", 3307)
    assert statements.dump_command(login, "_erp", ["tabA B", "tabC"]) == (
        "mariadb-dump --single-transaction --quick --host=10.0.0.5 --port=3307 --user=erp --password"
        " _erp 'tabA B' tabC | gzip > _erp-tables.sql.gz"
    )
    local = LoginOptions("erp", "secret", login_unix_socket="/run/mysqld/mysqld.sock")
    assert "--quick --socket=/run/mysqld/mysqld.sock --user=erp" in statements.dump_command(local, "_erp", ["tabC"])
