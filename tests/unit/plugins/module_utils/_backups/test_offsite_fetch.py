"""Fetching sets from off-site, and the catalogue with both."""

from __future__ import annotations

import shutil
from datetime import datetime, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.catalogue import catalogue
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.chain import read_chain
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.inventory import take_inventory
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import MANIFEST_NAME
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest_sets import review_site_folder
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_fetch import choose_location
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_run import (
    copies_of,
    copy_sets,
    fetch,
    local_sets,
    with_offsite,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import SITE, write_repository_set, write_set
from tests.restic_double import FolderRepository, failure

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
OLDER, NEWER = "20261117_000000-site1_local", "20261118_000000-site1_local"


@pytest.fixture
def site_folder(tmp_path):
    folder = tmp_path / "sites" / SITE
    write_repository_set(folder, OLDER)
    write_repository_set(folder, NEWER, kinds=("logical", "physical"))
    return folder


@pytest.fixture
def repository(tmp_path, site_folder):
    offsite = FolderRepository(tmp_path / "offsite")
    copy_sets(offsite, SITE, site_folder, NOW, create=False, check_all=False, dry_run=False)
    return offsite


def fetched(repository, site_folder, recover_to=None, **options):
    known = {"reserve_bytes": 0, "dry_run": False, **options}
    found = catalogue([site_folder], SITE)
    return fetch(
        repository, found, SITE, site_folder, NOW, choose=lambda sets: choose_location(sets, recover_to), **known
    )


def refused(repository, site_folder, **options):
    with pytest.raises(LifeboatError) as failed:
        fetched(repository, site_folder, **options)
    assert [path.name for path in site_folder.iterdir() if path.is_dir()] == []
    return failed.value


def change(folder):
    path = next(folder.glob("*-database.sql.gz"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))


def test_what_is_whole_here_is_not_fetched(repository, site_folder):
    assert not fetched(repository, site_folder)["changed"]
    assert "restore" not in repository.calls


@pytest.mark.parametrize("recover_to", [None, NEWER, "2026-11-18T01:00:00Z"])
def test_a_set_that_is_gone_here_comes_back(repository, site_folder, recover_to):
    shutil.rmtree(site_folder / NEWER)
    assert [finding.set for finding in review_site_folder(site_folder).findings] == [NEWER]
    assert fetched(repository, site_folder, recover_to=recover_to, dry_run=True)["changed"]
    assert not (site_folder / NEWER).exists()
    done = fetched(repository, site_folder, recover_to=recover_to)
    assert [entry["folder"] for entry in done["fetched"]] == [str(site_folder / NEWER)]
    review = review_site_folder(site_folder)
    assert (review.findings, review.leftovers) == ((), ())


def test_where_no_set_leads_there_nothing_is_fetched(repository, site_folder):
    shutil.rmtree(site_folder)
    known = {"choose": lambda _sets: None, "reserve_bytes": 0, "dry_run": False}
    assert not fetch(repository, [], SITE, site_folder, NOW, **known)["changed"]


def test_an_older_moment_needs_an_older_set(repository, site_folder):
    shutil.rmtree(site_folder)
    done = fetched(repository, site_folder, recover_to="2026-11-17T12:00:00Z")
    assert done["chosen"]["name"] == OLDER
    assert read_chain(site_folder).names() == {OLDER}


def test_a_set_that_was_changed_here_makes_way(repository, site_folder):
    change(site_folder / NEWER)
    assert fetched(repository, site_folder)["changed"]
    assert not fetched(repository, site_folder)["changed"]
    assert review_site_folder(site_folder).leftovers == ()


def test_a_set_that_cannot_be_read_here_makes_way(repository, site_folder):
    sets = catalogue([site_folder], SITE)
    known = with_offsite(sets, repository, SITE, site_folder)
    next((site_folder / NEWER).glob("*-database.sql.gz")).unlink()
    assert choose_location(known, None).location == "offsite"


def test_a_copy_with_a_fault_replaces_nothing(repository, site_folder):
    (copy,) = [copy for copy in copies_of(repository, SITE) if copy.name == OLDER]
    next((repository.copy(copy.snapshot) / OLDER).glob("*-files.tar")).write_bytes(b"")
    with pytest.raises(LifeboatError):
        copy_sets(repository, SITE, site_folder, NOW, create=False, check_all=True, dry_run=False)
    entries = {entry.name: entry for entry in with_offsite([], repository, SITE, site_folder)}
    assert {name: entry.verdict for name, entry in entries.items()} == {OLDER: "broken", NEWER: "complete"}
    assert "is not what its manifest says" in entries[OLDER].reasons[0]
    shutil.rmtree(site_folder / OLDER)
    with pytest.raises(LifeboatError) as failed:
        fetched(repository, site_folder, recover_to=OLDER)
    assert failed.value.error_code == "backup_not_found"


@pytest.mark.promise(25)
@pytest.mark.parametrize("fault", ["changed", "short", "manifest"])
def test_what_comes_other_than_it_was_copied_is_no_set(repository, site_folder, fault):
    shutil.rmtree(site_folder)
    for copy in copies_of(repository, SITE):
        folder = repository.copy(copy.snapshot) / copy.name
        if fault == "changed":
            change(folder)
        elif fault == "short":
            next(folder.glob("*-database.sql.gz")).unlink()
        else:
            path = folder / MANIFEST_NAME
            path.write_text(path.read_text().replace("0-1-5", "0-1-6"))
    assert refused(repository, site_folder).error_code == "offsite_changed"


@pytest.mark.promise(25)
def test_a_fetch_that_fails_leaves_no_set(repository, site_folder):
    shutil.rmtree(site_folder)
    repository.fails["restore"] = failure()
    assert refused(repository, site_folder).error_code == "offsite_failed"


@pytest.mark.promise(9)
def test_little_space_is_told_before_anything_is_written(repository, site_folder):
    shutil.rmtree(site_folder)
    assert refused(repository, site_folder, reserve_bytes=10**18).error_code == "disk_space"
    assert "restore" not in repository.calls


def test_what_a_killed_fetch_left_is_no_obstacle(repository, site_folder):
    shutil.rmtree(site_folder / NEWER)
    for name in (NEWER, f"{NEWER}.replaced"):
        (site_folder / f"{name}.incomplete" / NEWER).mkdir(parents=True)
    assert fetched(repository, site_folder)["changed"]
    assert review_site_folder(site_folder).leftovers == ()


def test_the_catalogue_shows_both_places(repository, site_folder, tmp_path):
    write_set(Bench(tmp_path).site(SITE).backups_path, "20261116_000000-site1_local")
    shutil.rmtree(site_folder / NEWER)
    found = take_inventory(
        [],
        SITE,
        Bench(tmp_path).site(SITE),
        repository=Repository(tmp_path),
        offsite=repository,
        depth="structure",
        encryption_key=None,
        recover_to=NEWER,
        member_limit=1000,
    )
    places = {
        entry["name"]: (entry["location"], entry["offsite"] and entry["offsite"]["checked_at"] != "")
        for entry in found["sets"]
    }
    assert places == {
        NEWER: ("offsite", True),
        OLDER: ("local", True),
        "20261116_000000-site1_local": ("local", None),
    }
    assert found["chosen"]["location"] == "offsite"


@pytest.mark.usefixtures("site_folder")
def test_local_sets_are_found_with_and_without_a_bench(tmp_path):
    repository = Repository(tmp_path)
    bench = Bench(tmp_path / "bench")
    (bench.path / "apps").mkdir(parents=True)
    (bench.path / "env").mkdir()
    site = bench.site(SITE)
    site.path.mkdir(parents=True)
    (bench.sites_path / "common_site_config.json").write_text("{}")
    site.config_path.write_text("{}")
    write_set(site.backups_path, "20261116_000000-site1_local")
    assert len(local_sets(SITE, str(bench.path), repository)) == 3
    assert len(local_sets(SITE, str(tmp_path / "gone"), repository)) == 2
