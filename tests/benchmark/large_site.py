"""A large site, made on the server itself: at least a gigabyte of SQL in 400 tables within about a minute."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute, fetch_all

from tests.lab.schema import DOCTYPES, DocType

if TYPE_CHECKING:
    from pymysql.connections import Connection

SMALL_TABLES = 354
SMALL_TABLE_ROWS = 20
# Rows of a dump of a gigabyte, in DocTypes that are large on real sites. The first three have five keys or more.
LARGE_ROWS = {
    "GL Entry": 750_000,
    "Stock Ledger Entry": 525_000,
    "Sales Invoice": 190_000,
    "Sales Invoice Item": 450_000,
    "Version": 90_000,
    "Communication": 45_000,
    "Activity Log": 90_000,
}
MEGABYTES_OF_LARGE_ROWS = 1024
# What makes a copy of a row another row, by Frappe's field type; ``s.seq`` is the number of the copy.
VARIATIONS = {
    "Data": "CONCAT(LEFT(t.`{0}`, 100), ' ', (s.seq * 7919) % 997)",
    "Text": "CONCAT(t.`{0}`, ' ', MD5(CONCAT(t.name, s.seq)))",
    "Long Text": "CONCAT(t.`{0}`, ' ', MD5(CONCAT(s.seq, t.name)))",
    "Currency": "t.`{0}` + s.seq",
    "Date": "t.`{0}` - INTERVAL s.seq % 700 DAY",
    "Datetime": "t.`{0}` - INTERVAL s.seq HOUR",
}


def enlarge(connection: Connection[Any], megabytes: int) -> None:
    """Let a site of the lab grow until its dump has about so many megabytes of SQL."""
    for number in range(SMALL_TABLES):
        name = f"Custom Record {number:03d}"
        execute(connection, f"CREATE TABLE `tab{name}` LIKE tabTask")
        execute(connection, f"INSERT INTO `tab{name}` SELECT * FROM tabTask LIMIT {SMALL_TABLE_ROWS}")
        execute(connection, "INSERT INTO tabDocType (name) VALUES (%s)", (name,))
    for doctype in DOCTYPES:
        if doctype.name in LARGE_ROWS:
            _multiply(connection, doctype, LARGE_ROWS[doctype.name] * megabytes // MEGABYTES_OF_LARGE_ROWS)


def _multiply(connection: Connection[Any], doctype: DocType, rows: int) -> None:
    """Insert varied copies of a table's rows; its keys are taken off meanwhile and built at the end, sorted."""
    definition = fetch_all(connection, f"SHOW CREATE TABLE `{doctype.table}`")[0][1]
    keys = re.findall(r"^  (KEY `([^`]+)` .*?),?$", definition, re.MULTILINE)
    copies = max(rows // doctype.rows, 1)
    columns = ", ".join(f"`{name}`" for name in doctype.columns)
    values = ", ".join(
        VARIATIONS.get(field_type, "t.`{0}`").format(name) for name, field_type in doctype.columns.items()
    )
    execute(
        connection, f"ALTER TABLE `{doctype.table}` {', '.join(f'DROP KEY `{name}`' for _definition, name in keys)}"
    )
    execute(
        connection,
        f"INSERT INTO `{doctype.table}` (name, {columns}) SELECT LEFT(MD5(CONCAT(t.name, '/', s.seq)), 16), {values} "
        f"FROM `{doctype.table}` t JOIN seq_1_to_{copies} s",
    )
    execute(connection, f"ALTER TABLE `{doctype.table}` {', '.join(f'ADD {key}' for key, _name in keys)}")
