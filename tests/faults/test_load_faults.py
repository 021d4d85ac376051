from __future__ import annotations

import gzip
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.loader_session import LoadSession
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import local_datadir, read_server_facts
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.space import space_watch
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.modules import site_recovery, staging_database

from tests.integration.loading import FOOTER, HEADER, load, staging
from tests.lab import MariaDBServer
from tests.lab.lab import Lab
from tests.modules import run_module
from tests.process_samples import sampled_processes

SITE = "alpha.localhost"
TABLE = b"CREATE TABLE `t` (`a` int NOT NULL AUTO_INCREMENT, `b` longtext, PRIMARY KEY (`a`)) ENGINE=InnoDB;\n"


@pytest.fixture(scope="module")
def fault_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("load-faults")
    with Lab(folder, services=False) as lab:
        lab.backup(SITE)
        yield lab
    shutil.rmtree(folder)


@pytest.fixture
def options(fault_lab: Lab, tmp_path: Path) -> dict:
    login = fault_lab.login
    common = {
        "site": SITE,
        "bench_path": str(fault_lab.bench_path),
        "state_path": str(tmp_path / "state"),
        "login_user": login.login_user,
        "login_password": login.login_password,
        "login_host": login.login_host,
        "login_port": login.login_port,
    }
    begun = run_module(site_recovery, state="begun", **common)
    return {**common, "recovery": begun["recovery"], "reserve_bytes": 0}


def traces(lab: Lab) -> tuple[set[str], set[str]]:
    connection = connect(lab.login)
    try:
        databases = {row[0] for row in fetch_all(connection, "SHOW DATABASES")}
        return databases, {row[0] for row in fetch_all(connection, "SELECT User FROM mysql.user")}
    finally:
        connection.close()


def live_state(lab: Lab) -> list[tuple]:
    connection = connect(lab.login)
    try:
        database = lab.site_config(SITE)["db_name"]
        tables = fetch_all(connection, f"SHOW FULL TABLES FROM `{database}` WHERE Table_type = 'BASE TABLE'")
        return fetch_all(connection, "CHECKSUM TABLE " + ", ".join(f"`{database}`.`{table[0]}`" for table in tables))
    finally:
        connection.close()


def set_dump(options: dict) -> Path:
    plan = run_module(site_recovery, state="begun", **{k: v for k, v in options.items() if k not in ("recovery",)})
    artifacts = plan["plan"]["set"]["artifacts"]
    return Path(next(artifact["path"] for artifact in artifacts if artifact["kind"] == "database"))


@pytest.mark.promise(1)
def test_a_truncated_dump_leaves_the_live_site_and_nothing_else(fault_lab, options, tmp_path):
    whole = set_dump(options).read_bytes()
    before, live = traces(fault_lab), live_state(fault_lab)
    for length in [len(whole) * part // 4 for part in range(4)] + [len(whole) - cut for cut in (1, 8, 16)]:
        dump = tmp_path / "cut.sql.gz"
        dump.write_bytes(whole[:length])
        failed = run_module(staging_database, database_artifact=str(dump), **options)
        assert (failed["failed"], failed["error_code"]) == (True, "artifact_truncated"), length
        assert traces(fault_lab) == before
    assert live_state(fault_lab) == live


@pytest.mark.promise(12)
def test_a_server_killed_during_the_load_is_told_and_a_rerun_is_clean(fault_lab, options, monkeypatch):
    before, live = traces(fault_lab), live_state(fault_lab)
    add_rows, calls = LoadSession.add_rows, itertools.count()

    def kill_first(self: LoadSession, *arguments: Any, **options: Any) -> None:
        if next(calls) == 10:
            fault_lab.mariadb.kill()
        add_rows(self, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(LoadSession, "add_rows", kill_first)
        failed = run_module(staging_database, **options)
    assert (failed["failed"], failed["error_code"]) == (True, "mariadb_lost")
    fault_lab.mariadb.start()
    assert live_state(fault_lab) == live

    planned = run_module(staging_database, check_mode=True, **options)
    assert planned["changed"]
    assert planned["plan"]["drops"] in traces(fault_lab)[0]
    staged = run_module(staging_database, **options)
    assert not staged["failed"], staged
    assert traces(fault_lab)[0] - before[0] == {staged["database"]}
    assert run_module(staging_database, state="absent", **options)["changed"]
    assert traces(fault_lab) == before


def wide_rows(count: int) -> bytes:
    value = os.urandom(40_000).hex().encode()
    return b"".join(b"INSERT INTO `t` VALUES (%d,'%b');\n" % (number, value) for number in range(1, count + 1))


@pytest.mark.promise(9)
def test_a_load_that_would_fill_the_disk_ends_while_the_reserve_is_free(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=450m", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here: that needs root")
    reserve_bytes = 250 << 20  # what a busy machine writes until the watch looks again is a part of it
    try:
        # What the server keeps in memory reaches the disk after the load was ended: that is little here.
        with MariaDBServer(folder, log_bin=None, innodb_buffer_pool_size="16M") as server:
            neighbour = connect(server.login)
            execute(neighbour, "CREATE DATABASE `neighbour`")
            execute(neighbour, "CREATE TABLE `neighbour`.`t` (`a` int PRIMARY KEY) ENGINE=InnoDB")
            facts = read_server_facts(neighbour)
            watch = space_watch(local_datadir(facts), reserve_bytes)
            with staging(server) as load_options:
                failures: list[LifeboatError] = []
                stop = threading.Event()

                def eat() -> None:
                    pieces = 0
                    while not stop.wait(0.05) and pieces < 40:
                        (folder / f"eaten-{pieces}").write_bytes(b"x" * (1 << 20))
                        pieces += 1

                eater = threading.Thread(target=eat)
                eater.start()
                try:
                    load(load_options, HEADER + TABLE + wide_rows(3200) + FOOTER, watch)
                except LifeboatError as error:
                    failures.append(error)
                stop.set()
                eater.join()
                assert [error.error_code for error in failures] == ["disk_space"]
                assert shutil.disk_usage(folder).free > 0
                execute(neighbour, "INSERT INTO `neighbour`.`t` VALUES (1)")
            assert fetch_all(neighbour, "SELECT a FROM `neighbour`.`t`") == [(1,)]
            neighbour.close()
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_the_space_is_not_watched_where_it_cannot_be_seen(mariadb_server):
    connection = connect(mariadb_server.login)
    facts = read_server_facts(connection)
    connection.close()
    far = type(facts)(**{**vars(facts), "hostname": "elsewhere"})
    assert space_watch(local_datadir(far), 1 << 60)() is None
    assert space_watch(local_datadir(facts), 0)() is None
    error = space_watch(local_datadir(facts), 1 << 60)()
    assert error is not None
    assert error.error_code == "disk_space"


MEASURED = """
import importlib, os, pathlib, re, sys
sys.path.insert(0, {root!r})
import conftest
utils = "ansible_collections.lifeboat.frappe.plugins.module_utils."
stream = importlib.import_module(utils + "_mariadb.dump.stream")
expansion_limit_bytes, open_sql = stream.expansion_limit_bytes, stream.open_sql
summarise_dump = importlib.import_module(utils + "_mariadb.dump.summary").summarise_dump
LifeboatError = importlib.import_module(utils + "_system.errors").LifeboatError
with open({path!r}, "rb") as raw:
    try:
        summarise_dump(open_sql(raw, expansion_limit_bytes(os.path.getsize({path!r}))), deep=True)
    except LifeboatError as error:
        print(error.error_code)
print(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text()).group(1))
"""


def write_repeated(path: Path, head: bytes, piece: bytes, times: int) -> None:
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(head)
        for _time in range(times):
            stream.write(piece)


@pytest.mark.promise(20)
@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"", b"\0" * (1 << 20)),
        (b"-- ", b"-" * (1 << 20)),
        (b"INSERT INTO `t` VALUES (1,'", b"x" * (1 << 20)),
        (b"INSERT INTO `t` VALUES (1", b",''" * (1 << 18)),
        (b"INSERT INTO `t` VALUES (1,'", b"\\'" * (1 << 19)),
        (b"CREATE TABLE `t` (", b"`a` int,\n" * (1 << 17)),
    ],
    ids=["zeros", "comment", "one value", "many values", "many escapes", "definition"],
)
def test_a_line_of_a_gigabyte_is_given_up_in_little_memory(head, piece, tmp_path):
    path = tmp_path / "bomb.sql.gz"
    write_repeated(path, head, piece, 200)  # far beyond every limit, and quick to make
    program = MEASURED.format(root=str(Path(__file__).resolve().parents[2]), path=str(path))
    output = subprocess.run(
        [sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.split()
    assert output[0] in ("statement_too_long", "statement_refused")
    assert int(output[1]) < 300 * 1024


@pytest.mark.promise(21)
@pytest.mark.parametrize("fails", [False, True], ids=["success", "failure"])
def test_no_secret_and_no_row_is_shown_anywhere(fault_lab, options, tmp_path, fails):
    encrypted = fault_lab.backup(SITE, encrypted=True, folder=tmp_path / "encrypted")
    database = fault_lab.site_config(SITE)["db_name"]
    connection = connect(fault_lab.login)
    hashed = fetch_all(connection, f"SELECT password FROM `{database}`.`__Auth` LIMIT 3")
    connection.close()
    config = fault_lab.site_config(SITE)
    artifact = encrypted.database
    if fails:
        text = gzip.decompress(set_dump(options).read_bytes())
        artifact = tmp_path / "twice.sql.gz"
        row = text[text.index(b"INSERT INTO `__Auth`") :].split(b";\n", maxsplit=1)[0] + b";\n"
        artifact.write_bytes(gzip.compress(text.replace(row, row + row)))
    secrets = [config["db_password"], config["encryption_key"], encrypted.encryption_key, *(row[0] for row in hashed)]
    shown: set[str] = set()
    with sampled_processes(shown):
        result = run_module(
            staging_database,
            database_artifact=str(artifact),
            **({} if fails else {"encryption_key": encrypted.encryption_key}),
            **options,
        )
    assert result["failed"] is fails, result
    state = Path(options["state_path"])
    files = [path for path in state.rglob("*") if path.is_file()]
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    texts = [*shown, json.dumps(result), *(path.read_text() for path in files)]
    for secret in secrets:
        assert secret
        assert not [text for text in texts if secret in text and "invocation" not in text]
    if not fails:
        run_module(staging_database, state="absent", **options)
