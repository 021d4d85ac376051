"""The embedded lab is what its tests take it for."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import redis
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all

from tests.lab import Lab, MariaDBServer, Prober, RedisServer, Writer
from tests.lab.comparison import compare_databases
from tests.lab.lab import ADMINISTRATOR_KEY, ADMINISTRATOR_SECRET, MARK
from tests.lab.prober import Answer, Outage
from tests.lab.processes import marked_processes, wait_until
from tests.web_processes import each_web_process

ROOT = Path(__file__).resolve().parents[2]


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


def ask(lab: Lab, path: str, site: str = "alpha.localhost", method: str = "GET", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", lab.web_port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, headers={"Host": site, **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def configure(lab: Lab, site: str, **values: object) -> None:
    path = lab.site_path(site) / "site_config.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    new.replace(path)


@pytest.mark.parametrize(
    ("path", "status", "part"),
    [
        ("/login", 200, "Login"),
        ("/api/method/ping", 200, '{"message": "pong"}'),
        ("/api/method/frappe.client.get_count?doctype=User", 403, "PermissionError"),
        ("/api/method/frappe.client.get_count?doctype=Nothing", 404, "DoesNotExistError"),
    ],
)
def test_application_answers_as_frappe_does(lab: Lab, path: str, status: int, part: str):
    answered, body = ask(lab, path)
    assert (answered, part in body) == (status, True)


def test_application_knows_its_sites_and_methods(lab: Lab):
    assert ask(lab, "/login", site="nobody.localhost")[0] == 404
    assert ask(lab, "/api/method/ping", method="HEAD")[0] == 403


def test_token_reads_with_the_secret_of_the_database(lab: Lab):
    path = "/api/method/frappe.client.get_count?doctype=User"
    assert ask(lab, path, Authorization=f"token {ADMINISTRATOR_KEY}:{ADMINISTRATOR_SECRET}") == (200, '{"message": 12}')
    assert ask(lab, path, Authorization=f"token {ADMINISTRATOR_KEY}:wrong")[0] == 401


def test_maintenance_of_one_site_leaves_the_other(lab: Lab):
    configure(lab, "alpha.localhost", maintenance_mode=1)
    try:
        assert ask(lab, "/login")[0] == 503
        assert "SessionStopped" in ask(lab, "/api/method/ping")[1]
        assert ask(lab, "/login", site="beta.localhost")[0] == 200
    finally:
        configure(lab, "alpha.localhost", maintenance_mode=0)


def test_broken_tables_fail_the_login_but_not_the_ping(lab: Lab):
    with contextlib.closing(lab.connect("beta.localhost")) as connection:
        execute(connection, "RENAME TABLE tabUser TO away")
        try:
            assert ask(lab, "/login", site="beta.localhost")[0] == 500
            assert ask(lab, "/api/method/ping", site="beta.localhost")[0] == 200
        finally:
            execute(connection, "RENAME TABLE away TO tabUser")


def test_workers_run_jobs_of_a_site(lab: Lab):
    job = lab.enqueue("alpha.localhost", "frappe.ping", "long")
    with redis.Redis.from_url(lab.redis_queue_url) as queue:
        wait_until(lambda: queue.hget(f"rq:job:{job}", "status") == b"finished", "the job")


def test_writers_acknowledge_what_is_in_the_database_and_probers_see_every_answer(lab: Lab):
    with (
        Prober(lab.web_port, "alpha.localhost") as prober,
        Writer(lab, "alpha.localhost") as by_application,
        Writer(lab, "alpha.localhost", directly=True) as directly,
    ):
        wait_until(lambda: min(len(by_application.acknowledged), len(directly.acknowledged)) >= 5, "the writers")
        configure(lab, "alpha.localhost", maintenance_mode=1)
        wait_until(lambda: bool(prober.failures() and by_application.refused_at), "the maintenance")
        configure(lab, "alpha.localhost", maintenance_mode=0)
        good = len(prober.answers)
        wait_until(lambda: len(prober.answers) > good + 1, "the prober")
    assert {answer.status for answer in prober.failures()} == {503}
    assert prober.downtime_seconds() > 0
    with contextlib.closing(lab.connect("alpha.localhost")) as connection:
        rows = {row[0] for row in fetch_all(connection, "SELECT name FROM tabToDo")}
    assert {write.name for write in (*by_application.acknowledged, *directly.acknowledged)} <= rows


def test_frappe_16_keeps_its_configuration_until_its_web_processes_are_reloaded(tmp_path: Path):
    with Lab(tmp_path / "lab", frappe_version=16, sites=("alpha.localhost",)) as lab:
        assert lab.site_config("alpha.localhost")["db_user"] == lab.site_config("alpha.localhost")["db_name"]
        for _process in each_web_process(lab):
            assert ask(lab, "/login")[0] == 200
        configure(lab, "alpha.localhost", maintenance_mode=1)
        assert ask(lab, "/login")[0] == 200
        lab.supervisorctl("signal", "HUP", "frappe-bench-web:frappe-bench-frappe-web")
        wait_until(lambda: ask(lab, "/login")[0] == 503, "the reloaded web processes")


def test_outages_reach_from_the_last_good_answer_to_the_first_good_one():
    prober = Prober(1, "alpha.localhost")
    statuses = [200, 503, 0, 200, 200, 500]
    prober.answers = [Answer(number, number + 0.5, status) for number, status in enumerate(statuses)]
    assert prober.outages() == [Outage(0.5, 3.5, (503, 0)), Outage(4.5, 5.5, (500,))]
    assert prober.downtime_seconds(since=4) == 1


def test_comparison_finds_missing_and_extra_rows(mariadb_server: MariaDBServer, database: str):
    with contextlib.closing(connect(mariadb_server.login)) as connection:
        execute(connection, f"CREATE DATABASE {database}b")
        for name, rows in ((database, "(1),(1),(2)"), (f"{database}b", "(1),(2),(3)")):
            execute(connection, f"CREATE TABLE {name}.t (n INT)")
            execute(connection, f"INSERT INTO {name}.t VALUES {rows}")
        found = compare_databases(connection, database, f"{database}b")
        execute(connection, f"DROP DATABASE {database}b")
    assert (found.tables, found.rows, found.missing, found.extra) == (1, 3, {"t": [(1,)]}, {"t": [(3,)]})


def test_no_process_outlives_the_one_that_started_the_lab(tmp_path: Path):
    folder = tmp_path / "lab"
    code = (
        "import pathlib, signal, sys; from tests.lab import Lab; lab = Lab(pathlib.Path(sys.argv[1])); lab.start(); "
        "print('up', flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", code, folder], cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"up\n"
            # The database, supervisord, two Redis, the web server with two children, scheduler, workers.
            wait_until(lambda: len(list(marked_processes(MARK, folder))) > 9, "all processes of the lab")
        finally:
            process.kill()
    wait_until(lambda: not list(marked_processes(MARK, folder)), "the end of the processes")
