from __future__ import annotations

import json
import os

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.files_proof import known_files
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.staging_files import (
    FilesRequest,
    bring_to_state,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter
from ansible_collections.lifeboat.frappe.plugins.modules import staging_files

from tests.backup_sets import KEY, archive
from tests.modules import run_module
from tests.site_to_recover import LIVE_FILES, RECOVERY, SiteToRecover

PUBLIC = {"a.txt": b"public " * 1000, "folder/ä b.txt": b"with a name"}
PRIVATE = {"c.pdf": b"private " * 2000}
STAGED = {
    **{f"public/files/{name}": content for name, content in PUBLIC.items()},
    **{f"private/files/{name}": content for name, content in PRIVATE.items()},
}
BYTES = sum(map(len, STAGED.values()))


@pytest.fixture
def make(tmp_path, mariadb_server, database):
    def site(**options):
        return SiteToRecover(tmp_path, mariadb_server.login, database, PUBLIC, PRIVATE, **options)

    return site


def stage(site, **options):
    return run_module(staging_files, **{**site.options, **options})


def request_of(site, **options):
    return FilesRequest(site.site, site.state_path, site.journal, site.login, **options)


def test_files_are_staged_beside_the_live_ones_and_proven(make):
    site = make()
    result = stage(site)
    assert not result["failed"], result
    assert (result["changed"], result["files"], result["bytes"]) == (True, 3, BYTES)
    assert (result["proof"]["listed"], result["proof"]["matched"], result["proof"]["not_recovered"]) == (3, 3, [])
    assert result["diff"] == {"before": {"files": 0, "bytes": 0}, "after": {"files": 3, "bytes": BYTES}}
    assert [step["name"] for step in result["steps"]] == ["staging_files.extract", "staging_files.prove"]
    assert site.staged_files() == STAGED
    assert site.live_files() == LIVE_FILES
    assert site.staging_path.stat().st_mode & 0o777 == 0o700
    assert (site.staging_path / "public/files/a.txt").stat().st_mode & 0o777 == 0o644


@pytest.mark.promise(25)
def test_a_second_run_changes_nothing(make):
    site = make()
    first = stage(site)
    again = stage(site)
    assert (again["changed"], again["plan"]["extracts"]) == (False, [])
    assert (again["files"], again["bytes"], again["proof"]) == (3, BYTES, first["proof"])
    assert again["diff"]["before"] == again["diff"]["after"]


@pytest.mark.promise(25)
def test_check_mode_says_what_it_would_do(make):
    site = make()
    result = stage(site, check_mode=True)
    assert (result["changed"], result["files"], len(result["plan"]["extracts"])) == (True, 0, 2)
    assert not site.staging_path.exists()
    assert not site.journal.is_done("staging_files")


def test_staged_files_are_removed(make):
    site = make()
    stage(site)
    result = stage(site, state="absent")
    assert (result["changed"], result["files"], result["proof"]) == (True, 0, {})
    assert not (site.site.path / ".lifeboat").exists()
    assert not stage(site, state="absent")["changed"]
    assert stage(site)["changed"]
    assert site.live_files() == LIVE_FILES


def test_what_another_recovery_keeps_is_left_alone(make):
    site = make()
    stage(site)
    other = site.staging_path.with_name("20261120T031522Z-0000")
    other.mkdir()
    stage(site, state="absent")
    assert other.is_dir()


def test_each_change_leaves_a_record(make):
    site = make()
    stage(site)
    stage(site)
    lines = [json.loads(line) for line in (site.state_path / "records.jsonl").read_text().splitlines()]
    assert [(line["module"], line["state"], line["files"]) for line in lines] == [("staging_files", "present", 3)]


def test_an_encrypted_set_is_decrypted_with_the_key_in_it(make):
    site = make(key=KEY)
    assert stage(site)["changed"]
    assert site.staged_files() == STAGED


def test_a_set_without_archives_keeps_the_live_files(make):
    site = make(private_files=None)
    result = stage(site)
    assert result["plan"]["keeps_live"] == ["private_files"]
    assert not (site.staging_path / "private").exists()
    assert result["proof"]["listed"] == 2


def test_recovery_onto_nothing_makes_the_site(make):
    site = make()
    for path in (*site.site.path.rglob("*"),):
        if path.is_file():
            path.unlink()
    for name in ("public/files", "public", "private/files", "private", ""):
        (site.site.path / name).rmdir()
    if os.geteuid() == 0:
        os.chown(site.bench.sites_path, 12345, 54321)
    assert stage(site)["changed"]
    assert site.staged_files() == STAGED
    owner = site.bench.sites_path.stat()
    for path in (site.site.path, site.staging_path, site.staging_path / "public/files/a.txt"):
        assert (path.stat().st_uid, path.stat().st_gid) == (owner.st_uid, owner.st_gid)


@pytest.mark.promise(3)
def test_damaged_files_are_refused_unless_that_is_accepted(make):
    site = make(files=archive({**PUBLIC, "a.txt": b"PUBLIC " + b"public " * 999}))
    refused = stage(site)
    assert (refused["failed"], refused["error_code"]) == (True, "files_damaged")
    assert "/files/a.txt" in refused["msg"]
    assert not site.staging_path.exists()
    accepted = stage(site, accept_damaged_files=True)
    assert accepted["proof"]["damaged_names"] == ["/files/a.txt"]
    assert "damaged" in accepted["proof"]["not_recovered"][0]


def test_missing_files_are_reported(make):
    site = make()
    site.list_files({"/files/never-there.txt": b"x", "https://example.com/files/remote.txt": b"x"})
    proof = stage(site)["proof"]
    assert (proof["missing"], proof["missing_names"]) == (1, ["/files/never-there.txt"])
    assert "never-there" in proof["not_recovered"][0]


def test_without_a_staging_database_nothing_can_be_proven(make):
    site = make()
    site.journal.append("staging_database", "removed", staging_database="")
    assert stage(site)["error_code"] == "not_staged"


def test_an_archive_that_changed_since_the_plan_is_refused(make):
    site = make()
    site.artifacts["files"].write_bytes(archive({"a.txt": b"another"}))
    result = stage(site)
    assert result["error_code"] == "artifact_corrupt"
    assert not site.staging_path.exists()


def test_somebody_else_who_writes_there_is_noticed(make):
    site = make()

    def add_a_file(step, event):
        if (step, event) == ("staging_files.extract", "done"):
            (site.staging_path / "public/files/intruder").write_text("x")

    site.journal = Journal(site.journal.folder, add_a_file)
    with pytest.raises(LifeboatError) as failure:
        bring_to_state(request_of(site), True, False, ProgressReporter())
    assert failure.value.error_code == "files_incomplete"
    assert not site.staging_path.exists()


def test_the_way_back_after_a_promotion_is_not_removed(make):
    site = make()
    stage(site)
    site.journal.append("promote", "done")
    assert stage(site, state="absent")["error_code"] == "files_in_use"
    assert not stage(site)["changed"]
    assert site.staged_files() == STAGED


def test_an_unknown_recovery_is_said(make):
    result = stage(make(), recovery="20200101T000000Z-0000")
    assert result["error_code"] == "recovery_unknown"


def test_a_reserve_that_would_be_touched_is_respected(make):
    site = make()
    result = stage(site, reserve_bytes=1 << 60)
    assert result["error_code"] == "disk_space"
    assert not site.staging_path.exists()


def test_a_database_without_the_table_of_files_is_an_error_and_no_rows_are_shown(make, database):
    site = make()
    with connect(site.login, database) as connection:
        execute(connection, "DROP TABLE tabFile")
    result = stage(site)
    assert result["error_code"] == "mariadb_statement_failed"
    assert not site.staging_path.exists()


def test_what_the_database_knows_is_read_row_by_row(make):
    site = make()
    site.list_files({f"/files/{number:05}": b"x" for number in range(50)})
    urls = [file.url for file in known_files(site.login, site.database)]
    assert urls == sorted(urls, key=str.encode)
    assert len(urls) == 53
    assert next(known_files(site.login, site.database)).url == "/files/00000"


def test_progress_is_told_and_a_caller_that_is_gone_leaves_nothing(make):
    site = make()
    told = []

    class Watching(ProgressReporter):
        def update(self, *arguments, **options):
            super().update(*arguments, **options)
            told.append((self.progress.step, self.progress.done_bytes))
            if self.progress.step == "staging_files.prove" and self.progress.done_bytes:
                raise LifeboatError("gone", "caller_gone")

    with pytest.raises(LifeboatError, match="gone"):
        bring_to_state(request_of(site), True, False, Watching())
    assert ("staging_files.extract", BYTES) in told
    assert not site.staging_path.exists()
    assert site.journal.recovery == RECOVERY
