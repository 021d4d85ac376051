"""Copying sets off-site: what is planned, and what goes wrong."""

from __future__ import annotations

import shutil
from datetime import datetime, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.holds import Hold, write_holds
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_copy import OffsiteCopy
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_run import copies_of, copy_sets
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_sets import CHECKS_NAME, read_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import SITE, write_repository_set
from tests.restic_double import FolderRepository, failure

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
NAMES = [f"202611{day}_000000-site1_local" for day in (17, 18, 19)]


@pytest.fixture
def site_folder(tmp_path):
    folder = tmp_path / "sites" / SITE
    for name in NAMES:
        files = {"database.sql.gz": ("database", name.encode()), "tablespaces/a.ibd": ("tablespace", b"pages")}
        write_repository_set(folder, name, files=files)
    return folder


@pytest.fixture
def repository(tmp_path):
    return FolderRepository(tmp_path / "offsite")


def copied(repository, site_folder, **options):
    return copy_sets(
        repository, SITE, site_folder, NOW, **{"create": False, "check_all": False, "dry_run": False, **options}
    )


def refused(repository, site_folder, **options):
    with pytest.raises(LifeboatError) as failed:
        copied(repository, site_folder, **options)
    return failed.value


def there(repository):
    return sorted(copy.name for copy in copies_of(repository, SITE))


def test_all_whole_sets_are_copied_once_oldest_first(repository, site_folder):
    (site_folder / NAMES[1] / "database.sql.gz").unlink()
    done = copied(repository, site_folder)
    assert [entry["name"] for entry in done["copied"]] == [NAMES[0], NAMES[2]] == there(repository)
    again = copied(repository, site_folder)
    assert (again["changed"], again["copied"], again["checked"], repository.calls.count("archive")) == (
        False,
        [],
        [],
        2,
    )


def test_a_plan_alone_copies_nothing(repository, site_folder):
    assert copied(repository, site_folder, dry_run=True)["changed"]
    assert there(repository) == []


def test_a_repository_is_made_only_when_that_is_asked_for(tmp_path, site_folder):
    repository = FolderRepository(tmp_path / "offsite", exists=False)
    assert refused(repository, site_folder).error_code == "offsite_missing"
    assert copied(repository, site_folder, create=True)["created"]
    assert not copied(repository, site_folder, create=True)["created"]
    repository.fails["snapshots"] = failure("offsite_password_wrong")
    assert refused(repository, site_folder, create=True).error_code == "offsite_password_wrong"


@pytest.mark.promise(25)
def test_a_set_that_was_changed_is_not_copied_and_costs_no_other_its_copy(repository, site_folder):
    path = site_folder / NAMES[0] / "database.sql.gz"
    path.write_bytes(path.read_bytes().replace(b"site1", b"site2"))
    error = refused(repository, site_folder)
    assert (error.error_code, error.details["set"]) == ("backup_changed", NAMES[0])
    assert there(repository) == NAMES[1:]


def test_a_set_that_goes_meanwhile_is_told(repository, site_folder):
    work = OffsiteCopy(repository, SITE, site_folder, NOW)
    plan = work.plan(create=False, check_all=False)
    (site_folder / NAMES[0] / "database.sql.gz").unlink()
    shutil.rmtree(site_folder / NAMES[1])
    with pytest.raises(LifeboatError) as failed:
        work.apply(plan)
    assert failed.value.error_code == "backup_changed"
    assert "was removed meanwhile" in failed.value.message
    assert there(repository) == NAMES[2:]


@pytest.mark.promise(25)
def test_a_copy_that_comes_out_other_than_it_went_in_is_forgotten(repository, site_folder):
    broken = repository.back_up

    def back_up(folder, tags):
        broken(folder, tags)
        (copy,) = repository.copy("snapshot1").glob("*/database.sql.gz")
        copy.write_bytes(b"other")

    repository.back_up = back_up
    shutil.rmtree(site_folder / NAMES[1])
    shutil.rmtree(site_folder / NAMES[2])
    error = refused(repository, site_folder)
    assert error.error_code == "offsite_changed"
    assert "database.sql.gz" in error.message
    assert there(repository) == []


@pytest.mark.promise(25)
def test_a_half_made_copy_of_a_failed_run_is_not_left_as_a_good_one(repository, site_folder):
    """restic also ends with an error, and a snapshot, when a file could not be read."""
    repository.fails["back_up"] = failure()
    error = refused(repository, site_folder)
    assert error.error_code == "offsite_failed"
    checks = read_checks(site_folder, repository.name)
    assert {copy.mark for copy in copies_of(repository, SITE)} == set(checks)


def test_what_an_earlier_run_could_not_read_back_is_read_now(repository, site_folder):
    repository.fails["archive"] = failure()
    assert refused(repository, site_folder).error_code == "offsite_failed"
    assert len(copied(repository, site_folder)["checked"]) == 1
    assert copied(repository, site_folder)["checked"] == []


def test_a_copy_that_is_damaged_later_is_found_when_all_are_read_and_never_forgotten(repository, site_folder):
    copied(repository, site_folder)
    (path,) = repository.copy("snapshot1").glob("*/tablespaces/a.ibd")
    path.write_bytes(b"sages")
    assert copied(repository, site_folder)["checked"] == []
    assert refused(repository, site_folder, check_all=True).error_code == "offsite_changed"
    assert there(repository) == NAMES
    # It is looked at again until it is mended.
    assert refused(repository, site_folder).error_code == "offsite_changed"
    path.write_bytes(b"pages")
    assert copied(repository, site_folder)["checked"] == [NAMES[0]]
    assert copied(repository, site_folder)["checked"] == []


def test_holds_reach_the_copies_and_need_no_other_look_at_them(repository, site_folder):
    copied(repository, site_folder)
    hold = {"reason": "", "by": "root", "at": "2026-11-21T00:00:00Z"}
    write_holds(site_folder, {NAMES[0]: Hold(held=True, **hold)})
    assert copied(repository, site_folder)["held"] == NAMES[:1]
    assert [copy.name for copy in copies_of(repository, SITE) if copy.held] == NAMES[:1]
    again = copied(repository, site_folder)
    assert (again["changed"], again["checked"]) == (False, [])
    write_holds(site_folder, {NAMES[0]: Hold(held=False, **hold)})
    assert copied(repository, site_folder)["released"] == NAMES[:1]


def test_copies_are_read_again_where_it_is_lost_what_was_read(repository, site_folder):
    copied(repository, site_folder)
    (site_folder / CHECKS_NAME).write_text("[")
    assert sorted(copied(repository, site_folder)["checked"]) == NAMES
