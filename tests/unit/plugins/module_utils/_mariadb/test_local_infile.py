from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.local_infile import load_statement


def test_the_statement_reads_rows_as_a_dump_writes_them():
    statement = load_statement(b"`tabToDo`", b" (`name`, `owner`)", "utf8mb4")
    assert statement == (
        b"LOAD DATA LOCAL INFILE 'rows' INTO TABLE `tabToDo` CHARACTER SET utf8mb4 "
        b"FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY 0x27 ESCAPED BY 0x5C "
        b"LINES STARTING BY '(' TERMINATED BY 0x292C0A (`name`, `owner`)"
    )
