"""The inverse of one transaction in a private server: exactly its rows, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.logs import LogFile, read_transactions
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.private_server import PrivateServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.flashback import flash_back
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.undo import Undo, plan_undo
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.lab.mariadb import MariaDBServer

SITE, NEIGHBOUR = "_site", "_neighbour"
TABLES = (
    "CREATE TABLE invoice (name VARCHAR(140) PRIMARY KEY, amount DECIMAL(21,9), note LONGTEXT)",
    "CREATE TABLE loose (note VARCHAR(80), number BIGINT)",
)
FIRST_ROWS = (
    "INSERT INTO invoice VALUES ('one', 1.5, NULL), ('two', 2.5, REPEAT('ä', 5000)), ('three', 3.5, 'a secret')",
    "INSERT INTO loose VALUES ('same', 1), ('same', 1)",
)
BAD = (
    "DELETE FROM invoice WHERE name <> 'three'",
    "UPDATE invoice SET amount = amount + 1",
    "UPDATE invoice SET amount = amount + 1, note = 'x'",
    "DELETE FROM loose LIMIT 1",
    "INSERT INTO loose VALUES ('new', NULL)",
    f"INSERT INTO {NEIGHBOUR}.loose VALUES ('of the neighbour', 1)",
)


def fill(connection: object, *statements: str) -> None:
    for statement in statements:
        execute(connection, statement)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def undone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Undo, Path]]:
    """A transaction that did all kinds of things, and the log that it is in."""
    folder = tmp_path_factory.mktemp("flashback")
    with MariaDBServer(folder / "server", binlog_format="ROW") as server:
        with closing(connect(server.login)) as connection:
            for database in (SITE, NEIGHBOUR):
                fill(connection, f"CREATE DATABASE {database}", f"USE {database}", *TABLES)
            fill(connection, f"USE {SITE}", *FIRST_ROWS)
            file, offset = fetch_all(connection, "SHOW MASTER STATUS")[0][:2]
            gtid = fetch_all(connection, "SELECT @@gtid_binlog_pos")[0][0]
            fill(connection, "BEGIN", *BAD, "COMMIT")
        path = server.data_path / str(file)
        log = LogFile(str(file), path, path.stat().st_size)
        (transaction,) = read_transactions([log], BinlogPosition(str(gtid), str(file), int(offset)))
        yield plan_undo(transaction, SITE), path


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[PrivateServer]:
    """The site as it is after the transaction."""
    with PrivateServer(tmp_path / "private") as server, closing(connect(server.login)) as connection:
        own = [statement for statement in BAD if NEIGHBOUR not in statement]
        fill(connection, f"CREATE DATABASE {SITE}", f"USE {SITE}", *TABLES, *FIRST_ROWS, *own)
        yield server


def rows(server: PrivateServer) -> list[list[tuple[object, ...]]]:
    with closing(connect(server.login, SITE)) as connection:
        return [fetch_all(connection, f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("invoice", "loose")]


def test_exactly_its_rows_come_back(undone: tuple[Undo, Path], copy: PrivateServer) -> None:
    undo, path = undone
    with closing(connect(copy.login, SITE)) as connection:
        execute(connection, "INSERT INTO invoice VALUES ('later', 9, 'kept')")
    flash_back(copy, SITE, undo, path)
    with closing(connect(copy.login)) as connection:
        fill(connection, "CREATE DATABASE wanted", "USE wanted", *TABLES, *FIRST_ROWS)
        execute(connection, "INSERT INTO invoice VALUES ('later', 9, 'kept')")
        wanted = [fetch_all(connection, f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("invoice", "loose")]
    assert rows(copy) == wanted


@pytest.mark.parametrize(
    ("statement", "number"),
    [("INSERT INTO invoice VALUES ('one', 0, 'a secret')", "1062"), ("DELETE FROM invoice", "1032")],
)
def test_what_does_not_fit_any_more_is_refused_and_no_row_is_told(
    undone: tuple[Undo, Path], copy: PrivateServer, statement: str, number: str
) -> None:
    with closing(connect(copy.login, SITE)) as connection:
        execute(connection, statement)
    before = rows(copy)
    with pytest.raises(LifeboatError) as refusal:
        flash_back(copy, SITE, *undone)
    assert refusal.value.error_code == "undo_refused"
    assert number in refusal.value.message
    assert "secret" not in refusal.value.message
    assert rows(copy) == before


def test_other_numbers_of_rows_than_it_had_changed_are_refused(undone: tuple[Undo, Path], copy: PrivateServer) -> None:
    undo, path = undone
    wrong = replace(undo, tables=tuple(replace(table, deleted=table.deleted + 1) for table in undo.tables))
    with pytest.raises(LifeboatError) as refusal:
        flash_back(copy, SITE, wrong, path)
    assert "other numbers of rows" in refusal.value.message


def test_a_log_that_was_damaged_is_refused(undone: tuple[Undo, Path], copy: PrivateServer, tmp_path: Path) -> None:
    undo, path = undone
    damaged = tmp_path / path.name
    content = bytearray(path.read_bytes())
    content[undo.begin_offset + 3000] ^= 1
    damaged.write_bytes(content)
    before = rows(copy)
    with pytest.raises(LifeboatError) as refusal:
        flash_back(copy, SITE, undo, damaged)
    assert refusal.value.error_code == "binlog_damaged"
    assert rows(copy) == before
