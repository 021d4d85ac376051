"""Databases of Frappe's kind for the faults of the checks of MariaDB."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.database_server import DatabaseServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import (
    LoginOptions,
    execute,
    fetch_all,
)

from tests.check_runs import run_one

if TYPE_CHECKING:
    from pymysql.connections import Connection

SITE = "alpha.localhost"
SERVER = "localhost:3306"
# What DocTypes declare, as Frappe keeps it.
DECLARATIONS = (
    "CREATE TABLE tabDocField (name varchar(140) PRIMARY KEY, parent varchar(140), fieldname varchar(140),"
    " search_index int(1) NOT NULL DEFAULT 0, `unique` int(1) NOT NULL DEFAULT 0)",
    "CREATE TABLE `tabCustom Field` (name varchar(140) PRIMARY KEY, dt varchar(140), fieldname varchar(140),"
    " search_index int(1), `unique` int(1))",
    "CREATE TABLE `tabProperty Setter` (name varchar(140) PRIMARY KEY, doc_type varchar(140), field_name varchar(140),"
    " property varchar(140), `value` text)",
)
Looker = Callable[..., dict[str, Finding]]


def make_looker(login: LoginOptions, schema: str, surroundings: Surroundings) -> Looker:
    """Return a function that runs a check on the server anew, and returns its findings by item.

    Its keyword arguments are ``prepare`` (called with the target before the run), ``options`` of the run, and fields of
    ``Surroundings``.
    """

    def look(check_id: str, *, prepare: Any = None, options: dict[str, Any] | None = None, **changes: Any) -> Any:
        server = DatabaseServer(SERVER, replace(surroundings, **changes), [login], {schema: SITE})
        if prepare is not None:
            prepare(server)
        try:
            return {finding.item: finding for finding in run_one(check_id, server, **(options or {}))}
        finally:
            server.close()

    return look


def history_of(findings: dict[str, Finding], at_seconds: float) -> History:
    """Return a history of one run with these findings."""
    return History(
        [
            {
                "at_seconds": at_seconds,
                "values": {finding.key: finding.value for finding in findings.values() if finding.value is not None},
                "facts": {finding.key: finding.fact for finding in findings.values() if finding.fact},
            }
        ]
    )


def fill(connection: Connection[Any], table: str, rows: int) -> None:
    """Make a table of a DocType with so many rows: 500 customers, two territories, a text."""
    columns = "name varchar(140) PRIMARY KEY, customer varchar(140), territory varchar(140), remarks text"
    execute(connection, f"CREATE TABLE {table} ({columns})")
    execute(
        connection,
        f"INSERT INTO {table} SELECT CONCAT('P-', seq), CONCAT('C', seq % 500), CONCAT('T', seq % 2), REPEAT('x', 50)"
        f" FROM seq_1_to_{rows}",
    )
    fetch_all(connection, f"ANALYZE TABLE {table}")
