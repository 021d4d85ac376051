"""What goes wrong while a set is made, or after it: the last good set survives, nothing bad is listed as good."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.artifact_file import ArtifactFile
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.backup import make_backup
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.request import BackupRequest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.source import read_source
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.steps import Steps
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump_command import DatabaseDump
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter
from ansible_collections.lifeboat.frappe.plugins.modules.site_backup import import_tables

from tests.lab.lab import Lab
from tests.process_samples import sampled_processes
from tests.site_backups import SiteBackups, leave_tables
from tests.whole_recovery import playbook_process

SITE = "alpha.localhost"
KEPT_TABLES = {"__Auth", "tabDefaultValue", "tabError Log", "tabNote", "tabToDo"}
ROW = f"a customer's secret {secrets.token_hex(8)}"


@pytest.fixture(scope="module")
def small_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("backup-faults")
    with Lab(folder / "lab", services=False, sites=(SITE,)) as lab:
        leave_tables(lab, SITE, KEPT_TABLES)
        yield lab
    shutil.rmtree(folder)


@pytest.fixture
def backups(small_lab: Lab, tmp_path: Path) -> SiteBackups:
    return SiteBackups(small_lab, SITE, tmp_path)


@pytest.fixture
def on_a_small_volume(small_lab: Lab, tmp_path: Path) -> Iterator[SiteBackups]:
    folder = tmp_path / "volume"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield SiteBackups(small_lab, SITE, folder)
    subprocess.run(["umount", folder], check=True)


@pytest.mark.promise(9)
@pytest.mark.promise(25)
@pytest.mark.parametrize("encryption", ["none", "gpg"])
def test_a_volume_that_gets_full_in_the_middle_keeps_the_last_good_set(
    on_a_small_volume: SiteBackups, encryption: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backups = on_a_small_volume
    backups.back_up()
    names, digests = backups.names(), backups.digests()
    filler = backups.repository.path / "filler"
    store = ArtifactFile._store

    def fill_and_store(artifact: ArtifactFile, content: bytes) -> None:
        if artifact.described.kind == "private_files" and not filler.exists():
            filler.write_bytes(bytes(backups.free_bytes()))
        store(artifact, content)

    monkeypatch.setattr(ArtifactFile, "_store", fill_and_store)
    failed = backups.run(encryption=encryption, encryption_key="a passphrase")
    assert (failed["failed"], failed.get("error_code")) == (True, "disk_space"), failed
    assert "the sets that were there are as they were" in failed["msg"]
    assert (backups.names(), backups.digests()) == (names, digests)
    backups.assert_nothing_is_left()
    filler.unlink()
    monkeypatch.undo()
    made = backups.back_up()["set"]
    assert backups.names() == [*names, made["name"]]


@pytest.mark.promise(9)
def test_a_backup_that_would_not_fit_is_not_begun(on_a_small_volume: SiteBackups) -> None:
    backups = on_a_small_volume
    refused = backups.run(reserve_bytes=6 * 1024 * 1024)
    assert refused["error_code"] == "disk_space"
    assert refused["details"]["needed_bytes"] > 0
    assert backups.names() == []
    backups.assert_nothing_is_left()


@pytest.mark.promise(13)
def test_the_second_of_two_backups_at_once_is_refused_and_the_first_ends_well(backups: SiteBackups) -> None:
    process_id = os.fork()
    if process_id == 0:
        end = Steps.end

        def end_and_wait(steps: Steps, name: str, seconds: float) -> None:
            end(steps, name, seconds)
            if name == "database":
                os.kill(os.getpid(), signal.SIGSTOP)

        exit_code = 1
        try:
            Steps.end = end_and_wait  # type: ignore[method-assign]
            exit_code = int(backups.run()["failed"])
        finally:
            os._exit(exit_code)
    _process, status = os.waitpid(process_id, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    refused = backups.run()
    assert refused["error_code"] == "backup_running"
    assert refused["details"]["holder"]["pid"] == process_id
    assert f"process {process_id} on {refused['details']['holder']['host']} since 20" in refused["msg"]
    assert backups.names() == []
    os.kill(process_id, signal.SIGCONT)
    _process, status = os.waitpid(process_id, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert len(backups.names()) == 1
    backups.assert_nothing_is_left()


@pytest.mark.promise(12)
@pytest.mark.promise(25)
def test_a_server_that_dies_meanwhile_costs_no_set(
    backups: SiteBackups, small_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    backups.back_up()
    names, digests = backups.names(), backups.digests()
    read = DatabaseDump.read

    def kill_and_read(dump: DatabaseDump, size: int) -> bytes:
        if small_lab.mariadb.process is not None:
            small_lab.mariadb.kill()
        return read(dump, size)

    monkeypatch.setattr(DatabaseDump, "read", kill_and_read)
    try:
        failed = backups.run()
    finally:
        small_lab.mariadb.start()
    assert failed["error_code"] in ("dump_failed", "mariadb_lost"), failed
    assert (backups.names(), backups.digests()) == (names, digests)
    backups.assert_nothing_is_left()


@pytest.mark.promise(25)
@pytest.mark.parametrize("kinds", [["logical"], ["physical"]], ids=["logical", "physical"])
def test_a_backup_that_nobody_waits_for_any_more_is_given_up(
    backups: SiteBackups, tmp_path: Path, kinds: list[str]
) -> None:
    progress_path = tmp_path / "progress"
    lease = Path(f"{progress_path}.lease")
    lease.touch()
    os.utime(lease, (1, 1))
    failed = backups.run(kinds=kinds, progress_path=str(progress_path), lease_seconds=60)
    assert failed["error_code"] == "caller_gone"
    assert backups.names() == []
    backups.assert_nothing_is_left()


@pytest.mark.promise(25)
def test_a_clock_that_jumps_back_keeps_names_unique_and_the_chain_in_order(backups: SiteBackups) -> None:
    now = datetime(2026, 11, 21, 3, 15, 22, tzinfo=timezone.utc)
    clocks = [now, now, now - timedelta(days=400), now - timedelta(hours=1), now + timedelta(hours=1)]
    made = [make_at(backups, clock) for clock in clocks]
    names = [manifest.name for manifest in made]
    assert names == sorted(set(names)) == backups.names()
    assert names[0] == "20261121_031522-alpha_localhost"
    assert names[1:4] == [f"20261121_0315{second}-alpha_localhost" for second in (23, 24, 25)]
    assert [manifest.previous.name for manifest in made[1:]] == names[:-1]
    backups.assert_nothing_is_left()


def make_at(backups: SiteBackups, clock: datetime) -> Any:
    request = BackupRequest(backups.places, backups.repository, backups.lab.login, import_tables, reserve_bytes=0)
    with closing(connect(backups.lab.login)) as connection:
        source = read_source(backups.places, connection)
        made = make_backup(request, source, connection, ProgressReporter(), lambda: clock)
    assert made is not None
    return made.manifest


@pytest.mark.promise(3)
@pytest.mark.promise(25)
def test_a_set_that_was_changed_is_found_and_made_again(backups: SiteBackups) -> None:
    first = backups.back_up()["set"]
    dump = next(Path(first["folder"]).glob("*-database.sql.gz"))
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)
    (changed,) = backups.sets("structure")
    assert changed.verdict == "broken"
    assert "it was changed after the set was made" in " ".join(changed.reasons)

    second = backups.back_up()["set"]
    manifest = Path(second["folder"], "manifest.json")
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "database": "_other"}))
    assert [backup.verdict for backup in backups.sets()] == ["broken", "complete"]
    third = backups.back_up(max_age_seconds=3600)
    assert third["plan"]["reason"] == f"The newest set {second['name']} is broken."
    assert third["set"]["previous"] == second["name"]

    shutil.rmtree(second["folder"])
    findings = {finding.set: finding.finding for finding in backups.review().findings}
    assert findings == {second["name"]: "missing"}


@pytest.mark.promise(3)
def test_what_the_disk_did_not_keep_is_never_a_set(backups: SiteBackups, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ArtifactFile._store

    def store_something_else(artifact: ArtifactFile, content: bytes) -> None:
        store(artifact, content)
        if artifact.described.kind == "files":
            os.pwrite(artifact._stream.fileno(), b"\x01", 700)

    monkeypatch.setattr(ArtifactFile, "_store", store_something_else)
    failed = backups.run()
    assert failed["error_code"] == "backup_unproven"
    assert "-files.tar is not what the manifest says" in failed["msg"]
    assert backups.names() == []
    backups.assert_nothing_is_left()


@pytest.mark.promise(21)
def test_a_backup_shows_no_secret_and_no_row(backups: SiteBackups, tmp_path: Path) -> None:
    lab = backups.lab
    with closing(lab.connect(SITE)) as connection:
        execute(connection, "UPDATE tabNote SET content = %s", (ROW,))
        stored = {str(row[0]) for row in fetch_all(connection, "SELECT password FROM `__Auth`")}
    configuration = lab.site_config(SITE)
    keys = {configuration[name] for name in ("db_password", "encryption_key", "backup_encryption_key")}
    words = keys | stored | {str(lab.login.login_password), ROW}
    variables = {
        "site": SITE,
        "lifeboat_repository_path": str(backups.repository.path),
        "lifeboat_backup_encryption": "gpg",
        "lifeboat_backup_kinds": ["logical", "physical"],
        "lifeboat_backup_binlogs": False,
        "lifeboat_backup_retention": False,
        "lifeboat_backup_reserve_bytes": 0,
    }
    shown: set[str] = set()
    with (
        sampled_processes(shown, tmp_path / "temporary"),
        playbook_process(lab, tmp_path, variables, "-vvv", playbook="lifeboat.frappe.backup") as process,
    ):
        output, _nothing = process.communicate()
    assert process.returncode == 0, output
    (made,) = backups.sets("content", configuration["backup_encryption_key"])
    assert made.verdict == "complete", made.reasons
    written = [*made.folder.iterdir(), *lab.state_path.rglob("*"), *(tmp_path / "temporary").rglob("*")]
    texts = [output, *shown, *(path.read_text(errors="replace") for path in written if path.is_file())]
    for word in words:
        assert [text[:200] for text in texts if word in text or json.dumps(word)[1:-1] in text] == []
    assert {path.stat().st_mode & 0o777 for path in made.folder.iterdir()} == {0o600}
    assert made.folder.stat().st_mode & 0o777 == 0o700
