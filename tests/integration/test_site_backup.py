"""Backing a site up with the module, and what its sets are good for."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making import derived_dump, set_maker
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making import proof as proof_module
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.physical_part import keep_tables
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import (
    MANIFEST_NAME,
    Manifest,
    read_manifest,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.names import parse_artifact_name
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb import dump_command
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import read_records

from tests.benchmark.contenders import restore_as_bench_does
from tests.lab.comparison import file_digests
from tests.lab.lab import Lab
from tests.site_backups import SiteBackups
from tests.tools.checkout import ROOT
from tests.whole_recovery import WholeRecovery

SITE, OTHER = "alpha.localhost", "beta.localhost"
PASSPHRASE = "a passphrase of the owner"
SCHEMA = json.loads((ROOT / "docs" / "backup-manifest.schema.json").read_text())


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("bench-with-backups")
    # A row that bench's own pipeline loses is no fault of the set.
    with Lab(folder / "lab", services=False, hostile=False) as lab:
        yield lab
    shutil.rmtree(folder)


@pytest.fixture
def backups(bench: Lab, tmp_path: Path) -> SiteBackups:
    return SiteBackups(bench, SITE, tmp_path)


@pytest.fixture
def whole_configuration(bench: Lab) -> Iterator[dict[str, Any]]:
    """The site's configuration; what a test takes out of it comes back, its database may be another one then."""
    configuration = bench.site_config(SITE)
    yield configuration
    kept = {name: value for name, value in bench.site_config(SITE).items() if name.startswith("db_")}
    (bench.site_path(SITE) / "site_config.json").write_text(json.dumps({**configuration, **kept}))


def valid_manifest(made: dict[str, Any]) -> Manifest:
    folder = Path(made["folder"])
    jsonschema.validate(json.loads((folder / MANIFEST_NAME).read_text()), SCHEMA)
    return read_manifest(folder)


def test_a_set_is_what_its_manifest_says(backups: SiteBackups) -> None:
    made = backups.back_up()
    manifest = valid_manifest(made["set"])
    (backup,) = backups.sets("content")
    assert (backup.verdict, backup.missing_kinds, backup.archive_site) == ("complete", (), SITE)
    assert backup.rows == {table.name: table.rows for table in manifest.tables}
    assert {parse_artifact_name(file.path).kind for file in manifest.files} == {file.kind for file in manifest.files}
    with closing(connect(backups.lab.login)) as connection:
        live = dict(fetch_all(connection, "SELECT 'gtid', @@gtid_binlog_pos"))
        file, offset = fetch_all(connection, "SHOW MASTER STATUS")[0][:2]
    assert manifest.position.as_dict() == {**live, "file": file, "offset": offset}
    assert manifest.inexact_tables == ()
    assert made["verified"] == "content"
    assert made["diff"] == {"before": {"newest_set": ""}, "after": {"newest_set": made["set"]["name"]}}
    (record,) = read_records(backups.state_path)
    assert (record["module"], record["set"], record["bytes"]) == ("site_backup", manifest.name, backup.size_bytes)


def test_check_mode_and_a_set_that_is_new_enough_write_nothing(backups: SiteBackups) -> None:
    planned = backups.back_up(check_mode=True)
    assert (planned["changed"], planned["set"], planned["verified"]) == (True, {}, "")
    assert planned["plan"]["needed_bytes"] > 0
    assert not backups.repository.path.exists()
    made = backups.back_up()["set"]
    again = backups.back_up(max_age_seconds=3600)
    assert (again["changed"], again["set"], again["diff"]) == (False, made, {})
    assert len(read_records(backups.state_path)) == 1
    assert backups.back_up(max_age_seconds=3600, check_mode=True)["changed"] is False
    other = backups.back_up(max_age_seconds=3600, encryption="gpg", encryption_key=PASSPHRASE)
    assert other["plan"]["reason"] == f"The newest set {made['name']} is not encrypted."


def content_of(lab: Lab, database: str) -> dict[str, Any]:
    with closing(connect(lab.login)) as connection:
        execute(connection, f"USE `{database}`")
        tables = [str(row[0]) for row in fetch_all(connection, "SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")]
        sums = fetch_all(connection, f"CHECKSUM TABLE {', '.join(f'`{table}`' for table in tables)}")
    return {str(name).partition(".")[2]: checksum for name, checksum in sums}


def test_bench_restores_a_logical_set(backups: SiteBackups, tmp_path: Path) -> None:
    lab = backups.lab
    folder = Path(backups.back_up()["set"]["folder"])
    (dump,) = folder.glob("*-database.sql.gz")
    with gzip.open(dump) as stream:
        head = stream.read(256).decode()
    assert head.startswith(f"-- begin frappe metadata\n-- [frappe]\n-- version = {lab.apps['frappe']}\n-- branch = ")
    restore_as_bench_does(lab, "_restored", dump)
    assert content_of(lab, "_restored") == content_of(lab, lab.site_config(SITE)["db_name"])
    with closing(connect(lab.login)) as connection:
        execute(connection, "DROP DATABASE _restored")
    # bench unpacks both archives in the site's folder, without the first two names of each path
    for kind in ("files", "private-files"):
        (archive,) = folder.glob(f"*alpha_localhost-{kind}.tar")
        subprocess.run(["tar", "xf", archive, "--strip", "2"], cwd=tmp_path, check=True)
    assert file_digests(tmp_path) == file_digests(lab.site_path(SITE))
    (configuration,) = folder.glob("*-site_config_backup.json")
    assert json.loads(configuration.read_text()) == lab.site_config(SITE)


@pytest.mark.parametrize("encryption", ["none", "gpg", "age"])
def test_a_site_is_recovered_from_a_set(
    backups: SiteBackups, whole_configuration: dict[str, Any], tmp_path: Path, encryption: str
) -> None:
    lab = backups.lab
    identity_path = tmp_path / "identity.txt"
    subprocess.run(["age-keygen", "-o", identity_path], check=True, capture_output=True)
    identity = identity_path.read_text()
    recipient = next(line.split()[-1] for line in identity.splitlines() if line.startswith("# public key"))
    key = {"none": None, "gpg": PASSPHRASE, "age": identity}[encryption]
    made = backups.back_up(encryption=encryption, encryption_key=PASSPHRASE, age_recipients=[recipient])
    assert made["verified"] == ("structure" if encryption == "age" else "content")
    recovery = WholeRecovery(lab, SITE, tmp_path / "state")
    before = recovery.live()
    with closing(lab.connect(SITE)) as connection:
        execute(connection, "DELETE FROM tabToDo")
    # The key of stored secrets is in the set alone then.
    lost = {name: value for name, value in whole_configuration.items() if not name.endswith("encryption_key")}
    (lab.site_path(SITE) / "site_config.json").write_text(json.dumps(lost))
    begun = recovery.begin(encryption_key=key, repository_path=str(backups.repository.path))
    recovery.stage(begun["recovery"], encryption_key=key)
    recovery.promote(begun["recovery"], encryption_key=key)
    recovery.finish(begun["recovery"])
    after = recovery.live()
    assert after.content == before.content
    assert json.loads(after.configuration)["encryption_key"] == whole_configuration["encryption_key"]


BOTH = ["logical", "physical"]


@pytest.mark.parametrize(
    ("options", "artifacts"),
    [
        ({}, {"tablespace"}),
        ({"encryption": "gpg", "encryption_key": PASSPHRASE}, {"tablespaces"}),
    ],
    ids=["plain", "encrypted"],
)
def test_both_kinds_are_of_one_moment_and_proven(
    backups: SiteBackups, options: dict[str, Any], artifacts: set[str]
) -> None:
    made = backups.back_up(kinds=BOTH, **options)["set"]
    manifest = valid_manifest(made)
    assert manifest.kinds == tuple(BOTH)
    assert manifest.proven_at >= manifest.recovery_point
    assert manifest.inexact_tables == ()
    logical = {"database", "files", "private_files", "site_config"}
    assert {file.kind for file in manifest.files} == {*logical, "schema", *artifacts}
    assert all(table.rows is not None for table in manifest.tables)
    assert all((table.pages is not None) is (table.engine == "InnoDB") for table in manifest.tables)
    (backup,) = backups.sets("content", PASSPHRASE)
    assert (backup.verdict, backup.rows) == ("complete", {table.name: table.rows for table in manifest.tables})
    assert {path.name for path in backup.folder.iterdir()} == {
        "manifest.json",
        *(file.path.partition("/")[0] for file in manifest.files),
    }
    database = backups.lab.site_config(SITE)["db_name"]
    (dump,) = backup.folder.glob("*-database*.sql.gz")
    if not options.get("encryption"):
        restore_as_bench_does(backups.lab, "_restored", dump)
        assert content_of(backups.lab, "_restored") == content_of(backups.lab, database)
        with closing(connect(backups.lab.login)) as connection:
            execute(connection, "DROP DATABASE _restored")


def test_what_is_written_after_the_copy_is_in_neither_kind(
    backups: SiteBackups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both kinds are made one after the other by ``_backups.making.set_maker`` and ``_backups.making.derived_dump``."""
    dump_database = derived_dump.dump_database

    def write_and_dump(*arguments: Any, **named: Any) -> Any:
        with closing(backups.lab.connect(SITE)) as connection:
            for table in ("tabToDo", "`tabError Log`"):
                execute(connection, f"INSERT INTO {table} (name, creation) VALUES ('afterwards', NOW())")
        return dump_database(*arguments, **named)

    monkeypatch.setattr(derived_dump, "dump_database", write_and_dump)
    made = backups.back_up(kinds=BOTH)["set"]
    manifest = valid_manifest(made)
    assert manifest.inexact_tables == ()
    rows = {table.name: table.rows for table in manifest.tables}
    with closing(backups.lab.connect(SITE)) as connection:
        for table in ("tabToDo", "tabError Log"):
            ((count,),) = fetch_all(connection, f"SELECT COUNT(*) FROM `{table}`")
            assert rows[table] == count - 1
            execute(connection, f"DELETE FROM `{table}` WHERE name = 'afterwards'")


def test_a_site_is_recovered_from_a_physical_set(backups: SiteBackups, tmp_path: Path) -> None:
    made = backups.back_up(kinds=["physical"])
    assert made["plan"]["needed_bytes"] >= made["set"]["size_bytes"]
    assert (made["verified"], made["set"]["rows"]) == ("content", None)
    valid_manifest(made["set"])
    recovery = WholeRecovery(backups.lab, SITE, tmp_path / "state")
    before = recovery.live()
    with closing(backups.lab.connect(SITE)) as connection:
        execute(connection, "DELETE FROM tabToDo")
    begun = recovery.begin(repository_path=str(backups.repository.path))
    recovery.stage(begun["recovery"])
    recovery.promote(begun["recovery"])
    recovery.finish(begun["recovery"])
    assert recovery.live().content == before.content


def test_a_set_of_another_kind_is_not_new_enough(backups: SiteBackups) -> None:
    made = backups.back_up()["set"]
    planned = backups.back_up(check_mode=True, kinds=BOTH, max_age_seconds=3600)["plan"]
    assert planned["reason"] == f"The newest set {made['name']} is logical only."
    assert planned["needed_bytes"] > backups.back_up(check_mode=True)["plan"]["needed_bytes"]


def test_files_of_tables_that_are_not_what_was_copied_are_no_set(
    backups: SiteBackups, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damage_and_keep(writer: Any, tablespaces: Any, *rest: Any) -> None:
        path = tablespaces.folder / tablespaces.tables[0].files[0].name
        with path.open("r+b") as stream:
            stream.seek(path.stat().st_size // 2)
            stream.write(b"damaged")
        keep_tables(writer, tablespaces, *rest)

    monkeypatch.setattr(set_maker, "keep_tables", damage_and_keep)
    assert backups.run(kinds=["physical"], compress_tables=True)["error_code"] == "backup_unproven"
    assert backups.names() == []
    backups.assert_nothing_is_left()


def test_the_key_of_an_encrypted_set_is_the_sites_own_or_must_be_given(backups: SiteBackups) -> None:
    backups.back_up(encryption="gpg")
    key = backups.lab.site_config(SITE)["backup_encryption_key"]
    (backup,) = backups.sets("content", key)
    assert backup.verdict == "complete"
    config_path = backups.lab.site_path(SITE) / "site_config.json"
    content = config_path.read_bytes()
    config_path.write_text(json.dumps({**json.loads(content), "backup_encryption_key": ""}))
    try:
        refused = backups.run(encryption="gpg")
    finally:
        config_path.write_bytes(content)
    assert refused["error_code"] == "key_missing"
    assert backups.run(encryption="age")["error_code"] == "key_missing"


def test_with_the_identity_an_age_set_is_looked_into(backups: SiteBackups, tmp_path: Path) -> None:
    identity_path = tmp_path / "identity.txt"
    subprocess.run(["age-keygen", "-o", identity_path], check=True, capture_output=True)
    identity = identity_path.read_text()
    recipient = next(line.split()[-1] for line in identity.splitlines() if line.startswith("# public key"))
    made = backups.back_up(encryption="age", age_recipients=[recipient], age_identity=identity)
    assert made["verified"] == "content"
    assert made["set"]["rows"] > 0
    failed = backups.run(encryption="age", age_recipients=["age1nonsense"])
    assert failed["error_code"] == "command_failed"
    (backup,) = backups.sets("content", identity)
    assert backup.verdict == "complete"


def test_a_table_without_transactions_that_was_written_meanwhile_is_named(
    backups: SiteBackups, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = dump_command.DatabaseDump.read

    def read_and_log(dump: dump_command.DatabaseDump, size: int) -> bytes:
        content = read(dump, size)
        with closing(backups.lab.connect(SITE)) as connection:
            execute(connection, "REPLACE INTO `tabError Log` (name, creation) VALUES ('meanwhile', NOW())")
        return content

    monkeypatch.setattr(dump_command.DatabaseDump, "read", read_and_log)
    made = backups.back_up()["set"]
    monkeypatch.undo()
    # Others are named as well where the bench was built in the very second in which the dump began.
    assert "tabError Log" in made["inexact_tables"]
    manifest = valid_manifest(made)
    (inexact,) = [table for table in manifest.inexact_tables if table.name == "tabError Log"]
    assert inexact.since == manifest.position != inexact.until
    with closing(backups.lab.connect(SITE)) as connection:
        execute(connection, "DELETE FROM `tabError Log` WHERE name = 'meanwhile'")


def test_a_site_that_moves_to_another_database_meanwhile_gets_no_set(
    backups: SiteBackups, monkeypatch: pytest.MonkeyPatch
) -> None:
    config_path = backups.lab.site_path(SITE) / "site_config.json"
    content = config_path.read_bytes()
    verify_set = proof_module.verify_set

    def verify_and_promote(*arguments: Any, **named: Any) -> Any:
        config_path.write_text(json.dumps({**json.loads(content), "db_name": "_promoted"}))
        return verify_set(*arguments, **named)

    monkeypatch.setattr(proof_module, "verify_set", verify_and_promote)
    failed = backups.run()
    config_path.write_bytes(content)
    assert failed["error_code"] == "backup_overtaken"
    assert backups.names() == []
    backups.assert_nothing_is_left()
    (record,) = read_records(backups.state_path)
    assert record["error_code"] == "backup_overtaken"


def test_a_dump_that_leaves_a_table_out_is_no_set(backups: SiteBackups, monkeypatch: pytest.MonkeyPatch) -> None:
    left_out = f"--ignore-table={backups.lab.site_config(SITE)['db_name']}.tabToDo"
    monkeypatch.setattr(dump_command, "DUMP_OPTIONS", (*dump_command.DUMP_OPTIONS, left_out))
    failed = backups.run()
    assert failed["error_code"] == "backup_unproven"
    assert "1 tables of the database are not in the dump, among them tabToDo." in failed["msg"]
    assert backups.names() == []


def test_a_database_that_is_not_there_is_said(backups: SiteBackups) -> None:
    config_path = backups.lab.site_path(SITE) / "site_config.json"
    content = config_path.read_bytes()
    config_path.write_text(json.dumps({**json.loads(content), "db_name": "_gone"}))
    failed = backups.run()
    config_path.write_bytes(content)
    assert failed["error_code"] == "backup_source_missing"
    assert "database _gone has no tables" in failed["msg"]
