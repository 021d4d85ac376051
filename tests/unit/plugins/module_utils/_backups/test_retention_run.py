"""Retention on a disk: the look before each removal, and what is remembered of it."""

from __future__ import annotations

import contextlib
import errno
import shutil
from datetime import datetime, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups import retention_run
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.catalogue import catalogue
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.chain import read_chain
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.drill_records import append_drill_record
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.holds import HOLDS_NAME, Hold, write_holds
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import MANIFEST_NAME
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest_sets import review_site_folder
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository_retention import retain
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.retention import RetentionPolicy
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.retention_run import (
    apply_plan,
    plan_site,
    take_away,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.set_lock import backup_lock
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import SITE, write_repository_set

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
ONE = RetentionPolicy(keep_daily=0, keep_weekly=0, keep_monthly=0, keep_yearly=0, keep_minimum=1)
NAMES = [f"202611{day}_000000-site1_local" for day in (17, 18, 19, 20)]


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


@pytest.fixture
def site_folder(repository):
    folder = repository.site_folder(SITE)
    for name in NAMES:
        write_repository_set(folder, name, files={"database.sql.gz": ("database", name.encode())})
    return folder


def nobody_reads(*_arguments):
    return False


def run(repository, tmp_path, policy=ONE, dry_run=False, sites=(SITE,), is_read=nobody_reads):
    return retain(
        repository, sites, policy, NOW, state_path=tmp_path / "state", is_read=is_read, binlogs=False, dry_run=dry_run
    )


def present(site_folder):
    return [backup.name for backup in reversed(catalogue([site_folder], SITE))]


@pytest.mark.parametrize(("number", "stays"), [(errno.ENOSPC, 0), (errno.EIO, 1)], ids=["full", "broken"])
def test_full_disk_is_freed_by_the_set_before_it_is_remembered(repository, tmp_path, monkeypatch, number, stays):
    site_folder = repository.site_folder(SITE)
    for name in NAMES[:2]:
        write_repository_set(site_folder, name, files={"database.sql.gz": ("database", name.encode())})
    record = retention_run.record_removed

    def refuses(*arguments):
        if (site_folder / NAMES[0]).exists():
            raise OSError(number, "no")
        record(*arguments)

    monkeypatch.setattr(retention_run, "record_removed", refuses)
    with contextlib.suppress(OSError):
        run(repository, tmp_path)
    assert len(present(site_folder)) == 1 + stays
    assert len(read_chain(site_folder).removed()) == 1 - stays


def plan(site_folder):
    return plan_site(SITE, site_folder, ONE, NOW, lambda sets: sets, nobody_reads)


def test_what_no_rule_keeps_goes_and_is_remembered(repository, site_folder, tmp_path):
    result = run(repository, tmp_path)
    assert present(site_folder) == NAMES[3:]
    assert read_chain(site_folder).removed() == set(NAMES[:3])
    review = review_site_folder(site_folder)
    assert (review.findings, review.leftovers) == ((), ())
    assert result["changed"]
    assert [entry["name"] for entry in result["sites"][0]["removed"]] == NAMES[:3]
    assert result["freed_bytes"] == sum(map(len, NAMES[:3]))
    assert result["diff"]["after"] == {SITE: NAMES[3:]}
    again = run(repository, tmp_path)
    assert (again["changed"], again["freed_bytes"], again["refused"]) == (False, 0, [])


def test_a_plan_alone_changes_nothing(repository, site_folder, tmp_path):
    assert run(repository, tmp_path, dry_run=True)["changed"]
    assert present(site_folder) == NAMES
    assert not read_chain(site_folder).removed()


@pytest.mark.promise(24)
def test_the_newest_set_is_read_before_anything_goes_and_a_changed_one_replaces_nothing(
    repository, site_folder, tmp_path
):
    (site_folder / NAMES[3] / "database.sql.gz").write_bytes(NAMES[3].encode().replace(b"site1", b"site2"))
    result = run(repository, tmp_path)
    assert present(site_folder) == NAMES[2:]
    kept = {entry["name"]: entry for entry in result["sites"][0]["kept"]}
    assert (kept[NAMES[3]]["broken"], kept[NAMES[2]]["verified"]) == (True, True)


def test_a_set_that_cannot_be_read_replaces_nothing(repository, site_folder, tmp_path):
    path = site_folder / NAMES[3] / "database.sql.gz"
    path.unlink()
    run(repository, tmp_path)
    assert present(site_folder) == NAMES[2:]


@pytest.mark.promise(24)
def test_with_nothing_whole_nothing_goes(repository, site_folder, tmp_path):
    for name in NAMES:
        (site_folder / name / "database.sql.gz").write_bytes(name.encode().replace(b"site1", b"site2"))
    assert not run(repository, tmp_path)["changed"]
    assert present(site_folder) == NAMES


def test_a_drill_that_passed_verifies_a_set(repository, site_folder, tmp_path):
    size = catalogue([site_folder], SITE)[0].size_bytes
    record = {
        "drill": "d",
        "site": SITE,
        "set": {"name": NAMES[3], "size_bytes": size},
        "outcome": "passed",
        "ended_at": "2026-11-20T01:00:00Z",
        "error": None,
        "seconds": 1.0,
    }
    append_drill_record(tmp_path / "state", record)
    (entry,) = run(repository, tmp_path)["sites"][0]["kept"]
    assert entry["verified"]


def test_a_set_whose_file_goes_while_it_is_read_replaces_nothing(site_folder):
    def lose_a_file(sets):
        (site_folder / NAMES[3] / "database.sql.gz").unlink()
        return sets

    made = plan_site(SITE, site_folder, ONE, NOW, lose_a_file, nobody_reads)
    assert [fate.candidate.name for fate in made.going] == NAMES[:2]


def test_a_set_that_is_held_meanwhile_stays(site_folder):
    made = plan(site_folder)
    write_holds(site_folder, {NAMES[0]: Hold(held=True, reason="audit", by="root", at="2026-11-21T00:00:00Z")})
    assert apply_plan(made, NOW, nobody_reads) == [f"{NAMES[0]} stays: it was held meanwhile."]
    assert present(site_folder) == [NAMES[0], NAMES[3]]


def test_a_set_that_changes_meanwhile_stays_and_one_that_is_gone_is_no_error(site_folder):
    made = plan(site_folder)
    (site_folder / NAMES[0] / MANIFEST_NAME).write_text("{}")
    shutil.rmtree(site_folder / NAMES[1])
    assert len(apply_plan(made, NOW, nobody_reads)) == 2
    assert sorted(path.name for path in site_folder.iterdir() if path.is_dir()) == [NAMES[0], NAMES[3]]


@pytest.mark.promise(24)
def test_all_stay_where_the_verified_set_is_gone_meanwhile(site_folder):
    made = plan(site_folder)
    shutil.rmtree(site_folder / NAMES[3])
    assert len(apply_plan(made, NOW, nobody_reads)) == 3
    assert present(site_folder) == NAMES[:3]


def test_a_set_that_is_read_stays_also_where_that_begins_meanwhile(repository, site_folder, tmp_path):
    result = run(repository, tmp_path, is_read=lambda site, folder: (site, folder.name) == (SITE, NAMES[0]))
    assert present(site_folder) == [NAMES[0], NAMES[3]]
    kept = {entry["name"]: entry for entry in result["sites"][0]["kept"]}
    assert (kept[NAMES[0]]["in_use"], kept[NAMES[0]]["reasons"]) == (True, ["a recovery or a drill reads it"])
    assert apply_plan(plan(site_folder), NOW, lambda _folder: True) == [
        f"{NAMES[0]} stays: a recovery or a drill reads it."
    ]


def test_nothing_goes_while_nobody_can_tell_what_is_held(repository, site_folder, tmp_path):
    (site_folder / HOLDS_NAME).write_text("{")
    with pytest.raises(LifeboatError) as failure:
        run(repository, tmp_path)
    assert failure.value.error_code == "holds_damaged"
    assert present(site_folder) == NAMES


def test_a_site_that_cannot_be_done_costs_no_other_site_its_retention(repository, site_folder, tmp_path):
    other = repository.site_folder("other.local")
    shutil.copytree(site_folder, other)
    for path in other.rglob(MANIFEST_NAME):
        path.write_text(path.read_text().replace(f'"{SITE}"', '"other.local"'))
    (other / "chain.jsonl").write_text("")
    with backup_lock(site_folder), pytest.raises(LifeboatError) as failure:
        run(repository, tmp_path, sites=repository.sites())
    assert failure.value.error_code == "backup_running"
    assert [plan["site"] for plan in failure.value.details["result"]["sites"]] == ["other.local"]
    assert (present(site_folder), len(catalogue([other], "other.local"))) == (NAMES, 1)


def test_what_a_kill_left_of_a_removal_goes_and_what_is_being_made_stays(repository, site_folder, tmp_path):
    run(repository, tmp_path)
    for name in (NAMES[0], "20261121_000000-site1_local"):
        (site_folder / f"{name}.incomplete" / "tablespaces").mkdir(parents=True)
    result = run(repository, tmp_path)
    assert (result["changed"], result["sites"][0]["unfinished"]) == (
        True,
        [str(site_folder / f"{NAMES[0]}.incomplete")],
    )
    assert [path.name for path in review_site_folder(site_folder).leftovers] == [
        "20261121_000000-site1_local.incomplete"
    ]


def test_a_name_that_was_left_behind_before_is_no_obstacle(site_folder):
    (site_folder / f"{NAMES[0]}.incomplete").mkdir()
    take_away(site_folder / NAMES[0])
    assert present(site_folder) == NAMES[1:]


def test_a_site_without_sets_has_nothing_to_remove(repository, tmp_path):
    assert not run(repository, tmp_path, sites=["new.local"])["changed"]
    assert repository.sites() == []
