"""The embedded lab is what its tests take it for."""

from __future__ import annotations

import redis

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from tests.lab import MariaDBServer, RedisServer


def test_server_starts_again_with_its_data_after_a_crash(tmp_path):
    with MariaDBServer(tmp_path / "server") as server:
        connection = connect(server.login)
        execute(connection, "CREATE DATABASE kept")
        connection.close()
        server.kill()
        server.start()
        assert ("kept",) in fetch_all(connect(server.login), "SHOW DATABASES")


def test_server_takes_variables_and_writes_a_private_option_file(mariadb_server: MariaDBServer):
    connection = connect(mariadb_server.login)
    assert fetch_all(connection, "SELECT @@log_bin, @@collation_server") == [(1, "utf8mb4_unicode_ci")]
    connection.close()
    assert mariadb_server.option_file.stat().st_mode & 0o777 == 0o600


def test_database_is_empty(mariadb_server: MariaDBServer, database: str):
    connection = connect(mariadb_server.login, database)
    assert fetch_all(connection, "SHOW TABLES") == []
    connection.close()


def test_redis_answers(redis_server: RedisServer):
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.ping()
