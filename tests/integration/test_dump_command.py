"""Dumping a database with ``mariadb-dump`` from a real server: options, position and errors."""

from __future__ import annotations

from contextlib import closing

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import (
    LoginOptions,
    connect,
    execute,
    fetch_all,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump_command import DatabaseDump, dump_database
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.lab import MariaDBServer

PASSWORD = "a\"#b\\n'x= "


@pytest.fixture
def filled(mariadb_server: MariaDBServer, database: str) -> str:
    with closing(connect(mariadb_server.login, database)) as connection:
        for table in ("a", "b"):
            execute(connection, f"CREATE TABLE {table} (x INT PRIMARY KEY, y LONGTEXT) ENGINE=InnoDB")
            execute(connection, f"INSERT INTO {table} SELECT seq, REPEAT('y', 10000) FROM seq_1_to_200")
    return database


def dumped(login: LoginOptions, database: str, with_position: bool = True) -> tuple[bytes, object]:
    with dump_database(login, database, with_position=with_position) as dump:
        return rest_of(dump), dump.position


def rest_of(dump: DatabaseDump) -> bytes:
    return b"".join(iter(lambda: dump.read(65536), b""))


def test_the_position_is_that_of_the_snapshot(mariadb_server: MariaDBServer, filled: str) -> None:
    with closing(connect(mariadb_server.login)) as connection:
        ((gtid,),) = fetch_all(connection, "SELECT @@gtid_binlog_pos")
        file, offset = fetch_all(connection, "SHOW MASTER STATUS")[0][:2]
    content, position = dumped(mariadb_server.login, filled)
    assert position is not None
    assert position.as_dict() == {"gtid": gtid, "file": file, "offset": offset}
    assert b"\n-- Dump completed on " in content[-200:]
    without, nothing = dumped(mariadb_server.login, filled, with_position=False)
    assert (nothing, b"MASTER_LOG_FILE" in without) == (None, False)


def test_any_password_and_the_socket_will_do(mariadb_server: MariaDBServer, filled: str) -> None:
    with closing(connect(mariadb_server.login)) as connection:
        execute(connection, "CREATE OR REPLACE USER odd@localhost IDENTIFIED BY %s", (PASSWORD,))
        execute(connection, "GRANT ALL ON *.* TO odd@localhost")
    by_port = mariadb_server.login.with_account("odd", PASSWORD)
    by_socket = LoginOptions("odd", PASSWORD, login_unix_socket=str(mariadb_server.socket))
    assert dumped(by_port, filled)[1] is not None
    assert dumped(by_port, filled)[1] == dumped(by_socket, filled)[1]
    with closing(connect(mariadb_server.login)) as connection:
        execute(connection, "DROP USER odd@localhost")


def test_a_database_that_is_not_there_is_an_error(mariadb_server: MariaDBServer) -> None:
    with pytest.raises(LifeboatError) as failure:
        dumped(mariadb_server.login, "_gone")
    assert failure.value.error_code == "dump_failed"
    assert failure.value.details == {"exit_code": 2, "server_error": 1049}


def test_a_table_that_is_altered_meanwhile_is_said(mariadb_server: MariaDBServer, filled: str) -> None:
    with dump_database(mariadb_server.login, filled, with_position=True) as dump:
        dump.read(1)  # the snapshot was taken, and table b is still to come: the pipe holds less than table a
        with closing(connect(mariadb_server.login, filled)) as connection:
            execute(connection, "ALTER TABLE b ADD COLUMN z INT, ALGORITHM=COPY")
        with pytest.raises(LifeboatError) as failure:
            rest_of(dump)
    assert failure.value.error_code == "dump_failed"
    assert "a table was altered while it was read (a migration?)" in failure.value.message
    assert failure.value.details["server_error"] == 1412


def test_a_dump_that_is_given_up_leaves_no_program_behind(mariadb_server: MariaDBServer, filled: str) -> None:
    with dump_database(mariadb_server.login, filled, with_position=True) as dump:
        dump.read(1)
        process = dump._process
    assert process.poll() is not None
