"""Rows go no faster than a replica follows: a second server that stands still keeps them, until it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import row_pruning
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.log_tables import LOG_TABLES
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all

from tests.lab import MariaDBServer
from tests.log_site import LogSite

DATABASE = "_replicated"
ROWS = 300


@pytest.fixture
def replica(tmp_path: Path, mariadb_server: MariaDBServer) -> Iterator[Any]:
    """A connection to a second server that follows the first from now on."""
    with MariaDBServer(tmp_path / "replica", server_id=2) as server, closing(connect(server.login)) as connection:
        login = mariadb_server.login
        with closing(connect(login)) as primary:
            execute(primary, "CREATE OR REPLACE USER follower@'127.0.0.1' IDENTIFIED BY 'follower'")
            execute(primary, "GRANT REPLICATION SLAVE ON *.* TO follower@'127.0.0.1'")
            ((position,),) = fetch_all(primary, "SELECT @@gtid_binlog_pos")
            execute(connection, "SET GLOBAL gtid_slave_pos = %s", (position,))
            execute(
                connection,
                "CHANGE MASTER TO master_host = '127.0.0.1', master_port = %s, master_user = 'follower',"
                " master_password = 'follower', master_use_gtid = slave_pos",
                (login.login_port,),
            )
            execute(connection, "START SLAVE")
            execute(primary, f"CREATE OR REPLACE DATABASE {DATABASE}")
            yield connection
            execute(primary, f"DROP DATABASE {DATABASE}")
            execute(primary, "DROP USER follower@'127.0.0.1'")


def catch_up(site: LogSite, replica: Any) -> None:
    """Wait until the replica has all that was written."""
    ((position,),) = fetch_all(site.administrator, "SELECT @@gtid_binlog_pos")
    assert fetch_all(replica, "SELECT MASTER_GTID_WAIT(%s, 120)", (position,)) == [(0,)]


@pytest.mark.promise(14)
def test_rows_stay_while_a_replica_is_behind(
    tmp_path: Path, mariadb_server: MariaDBServer, replica: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_pruning, "CHUNK_SECONDS", 60.0)  # a chunk is as large as on an idle host
    site = LogSite(tmp_path, mariadb_server, DATABASE)
    site.insert("Version", (f"row-{number:03d}" for number in range(ROWS)), 60)
    catch_up(site, replica)
    ((port,),) = fetch_all(replica, "SELECT @@port")
    rules = {"log_tables": {"days": {"Version": 30}, "replicas": [f"127.0.0.1:{port}"]}}
    request = site.request(rules)
    (task,) = LOG_TABLES.plan(request.context, request.tasks["log_tables"])
    unnamed = site.request({"log_tables": {"days": {"Version": 30}}})
    (_task, note) = LOG_TABLES.plan(unnamed.context, unnamed.tasks["log_tables"])
    assert "has 1 replica, of which the setting replicas names 0" in note.text
    execute(replica, "STOP SLAVE SQL_THREAD")
    site.insert("View Log", ["written since"], 1)
    waited: list[int] = []

    def pause(_seconds: float) -> None:
        if not waited:
            execute(replica, "START SLAVE SQL_THREAD")
        waited.append(len(site.names("Version")))

    done = LOG_TABLES.apply(replace(request.context, pause=pause), task, request.context.clock() + 600)
    assert waited[0] == ROWS, "nothing went while the replica stood still"
    assert (done.outcome, done.count) == ("done", ROWS)
    catch_up(site, replica)
    assert fetch_all(replica, f"SELECT COUNT(*) FROM {DATABASE}.tabVersion") == [(0,)]
    site.close()
