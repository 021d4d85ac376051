"""Loading dumps into the test server, as the tests of the loader need it."""

from __future__ import annotations

import io
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.accounts import create_account, drop_account
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.stream import open_sql
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.load_target import LoadResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.loader import LoadOptions, load_dump
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.loader_pool import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.lab import MariaDBServer

HEADER = b"""/*M!999999\\- enable the sandbox mode */
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
"""
FOOTER = b"-- Dump completed on 2026-11-21  9:15:09\n"
LIMIT_BYTES = 1 << 32


@contextmanager
def staging(server: MariaDBServer, connections: int = 2) -> Iterator[LoadOptions]:
    """An empty database with an account of its own, as a load finds it."""
    name = f"_{secrets.token_hex(8)}"
    connection = connect(server.login)
    execute(connection, f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    password = secrets.token_hex(8)
    create_account(connection, name, ["127.0.0.1", "localhost"], password, name)
    try:
        yield LoadOptions(
            login=server.login.with_account(name, password),
            database=name,
            administrator=server.login,
            definer_host="localhost",
            connections=connections,
            is_logged=True,
            max_allowed_packet_bytes=16 << 20,
        )
    finally:
        connection.close()
        connection = connect(server.login)
        execute(connection, f"DROP DATABASE IF EXISTS `{name}`")
        drop_account(connection, name)
        connection.close()


def load(options: LoadOptions, sql: bytes, watch=lambda: None) -> LoadResult:
    """Load SQL."""
    return load_dump(open_sql(io.BytesIO(sql), LIMIT_BYTES), options, ProgressReporter(), watch)


def load_error(options: LoadOptions, sql: bytes) -> LifeboatError:
    """Load SQL that must not load, and return why."""
    try:
        load(options, sql)
    except LifeboatError as error:
        return error
    raise AssertionError("the load succeeded")


def dump(server: MariaDBServer, database: str, *arguments: str) -> bytes:
    """Dump a database as ``bench backup`` does."""
    command = ["mariadb-dump", f"--defaults-file={server.option_file}", "--single-transaction", "--quick"]
    return subprocess.run([*command, *arguments, database], check=True, stdout=subprocess.PIPE).stdout


def run_script(server: MariaDBServer, database: str, script: str) -> None:
    """Run SQL with the client, which knows DELIMITER."""
    command = ["mariadb", f"--defaults-file={server.option_file}", "--default-character-set=utf8mb4", database]
    subprocess.run(command, input=script.encode(), check=True)


def rows(server: MariaDBServer, database: str, table: str) -> list[tuple]:
    """Return the rows of a table, ordered by its first column."""
    connection = connect(server.login, database)
    try:
        return fetch_all(connection, f"SELECT * FROM `{table}` ORDER BY 1")
    finally:
        connection.close()


def real_dump(folder: Path) -> Path:
    """Return the dump of the complete plain set of a real site."""
    return next((folder / "site1_plain").glob("*-database.sql.gz"))
