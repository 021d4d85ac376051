from __future__ import annotations

import gzip
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.modules import site_recovery, staging_database

from tests.lab.backups import BackupFiles
from tests.lab.comparison import compare_databases
from tests.lab.lab import Lab
from tests.modules import run_module

SITE = "alpha.localhost"


@pytest.fixture(scope="module")
def database_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("staging")
    with Lab(folder, services=False) as lab:
        yield lab
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def backup(database_lab: Lab) -> BackupFiles:
    return database_lab.backup(SITE)


@pytest.fixture
def options(database_lab: Lab, backup: BackupFiles, tmp_path: Path) -> dict:
    login = database_lab.login
    common = {
        "site": SITE,
        "bench_path": str(database_lab.bench_path),
        "state_path": str(tmp_path / "state"),
        "login_user": login.login_user,
        "login_password": login.login_password,
        "login_host": login.login_host,
        "login_port": login.login_port,
    }
    begun = run_module(site_recovery, state="begun", recover_to=backup.name, **common)
    return {**common, "recovery": begun["recovery"], "reserve_bytes": 0}


@pytest.fixture
def server(database_lab: Lab):
    connection = connect(database_lab.login)
    yield connection
    connection.close()


def databases_and_accounts(server) -> tuple[set[str], set[tuple[str, str]]]:
    names = {row[0] for row in fetch_all(server, "SHOW DATABASES")}
    return names, set(fetch_all(server, "SELECT User, Host FROM mysql.user"))


def live_checksums(lab: Lab, server) -> list[tuple]:
    database = lab.site_config(SITE)["db_name"]
    tables = [
        row[0] for row in fetch_all(server, f"SHOW FULL TABLES FROM `{database}` WHERE Table_type = 'BASE TABLE'")
    ]
    return fetch_all(server, "CHECKSUM TABLE " + ", ".join(f"`{database}`.`{table}`" for table in tables))


def journal_of(options: dict) -> Journal:
    return Journal.open(Path(options["state_path"]), SITE, options["recovery"])


def test_a_staged_database_equals_the_live_one_row_for_row(database_lab, options, server):
    before = databases_and_accounts(server)
    planned = run_module(staging_database, check_mode=True, **options)
    assert planned["changed"]
    assert planned["database"] == ""
    assert planned["diff"]["after"]["loads"] == planned["plan"]["loads"]
    assert databases_and_accounts(server) == before

    staged = run_module(staging_database, **options)
    assert not staged["failed"], staged
    live = database_lab.site_config(SITE)["db_name"]
    comparison = compare_databases(server, live, staged["database"])
    assert (comparison.missing, comparison.extra) == ({}, {})
    sequences = staged["proof"]["sequences"]  # the comparison reads a sequence as a table of one row
    assert (comparison.tables, comparison.rows) == (staged["tables"] + sequences, staged["rows"] + sequences)
    assert staged["proof"]["stored_secret"] == "opens"
    assert staged["proof"]["rows_equal_to_dump"]
    assert [step["name"] for step in staged["steps"]] == [
        f"staging_database.{name}" for name in ("create", "load", "prove")
    ]
    assert staged["diff"]["after"] == {name: staged[name] for name in ("database", "tables", "rows")}

    grants = fetch_all(server, f"SHOW GRANTS FOR `{staged['database']}`@`localhost`")
    assert len(grants) == 2
    assert "\\_" in grants[1][0]
    hosts = {host for user, host in databases_and_accounts(server)[1] if user == staged["database"]}
    assert hosts == {"localhost"}

    again = run_module(staging_database, **options)
    assert (again["changed"], again["database"], again["rows"]) == (False, staged["database"], staged["rows"])
    assert again["diff"]["before"] == again["diff"]["after"]

    gone = run_module(staging_database, state="absent", **options)
    assert (gone["changed"], gone["database"], gone["plan"]["drops"]) == (True, "", staged["database"])
    assert databases_and_accounts(server) == before
    assert not run_module(staging_database, state="absent", **options)["changed"]
    records = [json.loads(line) for line in Path(options["state_path"], "records.jsonl").read_text().splitlines()]
    assert [record["state"] for record in records if record.get("module") == "staging_database"] == [
        "present",
        "absent",
    ]


def test_a_load_kept_out_of_the_binary_log_says_so_and_leaves_no_privilege(options, server):
    position = fetch_all(server, "SHOW MASTER STATUS")[0][1]
    staged = run_module(staging_database, binary_log="skipped", connections=3, **options)
    assert not staged["failed"], staged
    assert fetch_all(server, "SHOW MASTER STATUS")[0][1] == position
    assert "seeded again" in staged["plan"]["warnings"][0]
    assert staged["plan"]["connections"] == 3
    grants = " ".join(row[0] for row in fetch_all(server, f"SHOW GRANTS FOR `{staged['database']}`@`localhost`"))
    assert "BINLOG" not in grants
    run_module(staging_database, state="absent", **options)


def test_an_encrypted_dump_is_staged_with_its_key(database_lab, options, tmp_path):
    encrypted = database_lab.backup(SITE, encrypted=True, folder=tmp_path / "encrypted")
    staged = run_module(
        staging_database,
        database_artifact=str(encrypted.database),
        encryption_key=encrypted.encryption_key,
        **options,
    )
    assert not staged["failed"], staged
    assert staged["proof"]["stored_secret"] == "opens"
    run_module(staging_database, state="absent", **options)


def test_a_half_staged_database_of_an_earlier_try_is_dropped_first(options, server):
    before = databases_and_accounts(server)
    half = "_00000000deadbeef"
    execute(server, f"CREATE DATABASE `{half}`")
    execute(server, f"CREATE USER `{half}`@`localhost`")
    journal_of(options).append("staging_database", "named", staging_database=half)
    journal_of(options).append("staging_database", "begin")
    staged = run_module(staging_database, **options)
    assert (staged["failed"], staged["plan"]["drops"]) == (False, half)
    names, accounts = databases_and_accounts(server)
    assert names - before[0] == {staged["database"]}
    assert {user for user, _host in accounts - before[1]} == {staged["database"]}
    run_module(staging_database, state="absent", **options)


def cut_after(dump: Path, mark: bytes, target: Path) -> Path:
    text = gzip.decompress(dump.read_bytes())
    target.write_bytes(gzip.compress(text[: text.rindex(mark)]))
    return target


@pytest.mark.promise(2)
def test_a_dump_that_was_cut_at_a_statement_end_leaves_nothing_behind(database_lab, backup, options, server, tmp_path):
    before, live = databases_and_accounts(server), live_checksums(database_lab, server)
    dump = cut_after(backup.database, b"DROP TABLE IF EXISTS", tmp_path / "cut.sql.gz")
    failed = run_module(staging_database, database_artifact=str(dump), **options)
    assert (failed["failed"], failed["error_code"]) == (True, "artifact_incomplete")
    assert databases_and_accounts(server) == before
    assert live_checksums(database_lab, server) == live
    assert journal_of(options).entries()[-1].event == "failed"
    assert run_module(staging_database, check_mode=True, **options)["changed"]


def test_a_key_that_opens_no_secret_is_refused(options, server, tmp_path):
    before = databases_and_accounts(server)
    plan = journal_of(options).plan()
    config = next(artifact for artifact in plan["set"]["artifacts"] if artifact["kind"] == "site_config")
    other = json.loads(Path(config["path"]).read_text())
    other["encryption_key"] = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    config["path"] = str(tmp_path / "other.json")
    Path(config["path"]).write_text(json.dumps(other))
    journal_of(options).append("begin", "plan", plan=plan)
    failed = run_module(staging_database, **options)
    assert (failed["failed"], failed["error_code"]) == (True, "proof_failed")
    assert other["encryption_key"] not in json.dumps(failed)
    assert databases_and_accounts(server) == before


def test_a_load_whose_caller_is_gone_leaves_nothing_behind(options, server, tmp_path):
    before = databases_and_accounts(server)
    progress = tmp_path / "progress"
    lease = Path(f"{progress}.lease")
    lease.touch()
    os.utime(lease, (time.time() - 3600,) * 2)
    failed = run_module(staging_database, progress_path=str(progress), lease_seconds=60, **options)
    assert (failed["failed"], failed["error_code"]) == (True, "caller_gone")
    assert databases_and_accounts(server) == before


def test_a_missing_dump_is_told_before_anything_is_made(options, server, tmp_path):
    before = databases_and_accounts(server)
    failed = run_module(staging_database, database_artifact=str(tmp_path / "gone.sql.gz"), **options)
    assert (failed["failed"], failed["error_code"]) == (True, "artifact_missing")
    assert databases_and_accounts(server) == before


def test_a_database_that_was_promoted_is_not_dropped(options, server):
    execute(server, "CREATE DATABASE `_00000000deadbeef`")
    journal_of(options).append("staging_database", "named", staging_database="_00000000deadbeef")
    journal_of(options).append("promote.intent", "done")
    failed = run_module(staging_database, state="absent", **options)
    assert (failed["failed"], failed["error_code"]) == (True, "database_in_use")
    assert not run_module(staging_database, **options)["changed"]
    execute(server, "DROP DATABASE `_00000000deadbeef`")
