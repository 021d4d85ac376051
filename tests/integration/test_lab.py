"""The embedded lab is what its tests take it for."""

from __future__ import annotations

import gzip
import json
import re
import tarfile

import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all

from tests.lab import Lab, MariaDBServer, RedisServer


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


def test_bench_runs_with_the_names_that_bench_gives(lab: Lab):
    status = lab.supervisorctl("status")
    for name in ("web:frappe-bench-frappe-web", "workers:frappe-bench-frappe-long-worker-0"):
        assert f"frappe-bench-{name}" in status
    assert status.count("RUNNING") == 6


def test_backups_are_named_in_the_time_of_the_site_and_complete(lab: Lab):
    plain = lab.backup("alpha.localhost")
    assert re.fullmatch(r"\d{8}_\d{6}-alpha_localhost-database\.sql\.gz", plain.database.name)
    with gzip.open(plain.database, "rt") as dump:
        lines = dump.read().splitlines()
    assert lines[2] == "-- version = 15.55.1"
    assert lines[-1].startswith("-- Dump completed on")
    with tarfile.open(plain.public_files) as archive:
        assert "./alpha.localhost/public/files/Angebot Müller & Söhne.txt" in archive.getnames()


def test_encrypted_backup_is_encrypted_but_for_its_configuration(lab: Lab):
    encrypted = lab.backup("beta.localhost", encrypted=True)
    assert encrypted.database.name.endswith("-database-enc.sql.gz")
    assert encrypted.database.read_bytes()[:2] == b"\x8c\x0d"
    assert json.loads(encrypted.site_config.read_text())["backup_encryption_key"] == encrypted.encryption_key
