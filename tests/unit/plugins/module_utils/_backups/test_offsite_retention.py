"""Which copies off-site go."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.holds import Hold
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import read_manifest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_retention import plan_offsite
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_run import copy_sets, retain_copies
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_sets import (
    CopyCheck,
    OffsiteSet,
    best_copies,
    good_copies,
    offsite_sets,
    read_checks,
    summary_of,
    tags_of,
    write_checks,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.restic_repository import Snapshot
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.retention import RetentionPolicy

from tests.backup_sets import SITE, write_repository_set
from tests.restic_double import FolderRepository

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
ONE = RetentionPolicy(keep_daily=0, keep_weekly=0, keep_monthly=0, keep_yearly=0, keep_minimum=1)
NAMES = [f"202611{day}_000000-site1_local" for day in (17, 18, 19)]
HOLD = Hold(held=True, reason="", by="root", at="2026-11-21T00:00:00Z")


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets") / SITE
    sets = []
    for number, name in enumerate(NAMES):
        manifest = read_manifest(write_repository_set(folder, name, kinds=("logical", "physical")))
        sets.append(OffsiteSet(f"s{number}", f"2026-11-21T00:00:0{number}Z", summary_of(manifest), "d", held=False))
    return sets


def good(copies):
    return {copy.mark: CopyCheck("2026-11-21T00:00:00Z") for copy in copies}


def gone(copies, checks, holds=None):
    return list(plan_offsite(copies, checks, holds or {}, ONE, NOW).snapshots)


def test_the_rules_are_those_of_the_sets_on_the_host(copies):
    assert gone(copies, good(copies)) == ["s0", "s1"]
    assert gone(copies, good(copies), {NAMES[0]: HOLD}) == ["s1"]
    assert gone([replace(copies[0], held=True), *copies[1:]], good(copies)) == ["s1"]


@pytest.mark.promise(24)
def test_nothing_goes_before_a_newer_copy_was_read_back(copies):
    assert gone(copies, {}) == []
    assert gone(copies, good(copies[1:2])) == []
    assert gone(copies, good(copies[2:])) == ["s0", "s1"]


@pytest.mark.promise(24)
def test_a_copy_with_a_fault_replaces_no_other(copies):
    checks = {**good(copies), copies[2].mark: CopyCheck("2026-11-21T00:00:00Z", "changed")}
    assert gone(copies, checks) == ["s0"]


def test_of_one_set_the_newest_good_copy_stays(copies):
    again = replace(copies[2], snapshot="again", copied_at="2026-11-21T01:00:00Z")
    both = [copies[2], again]
    assert gone(both, good(both)) == ["s2"]
    assert gone(both, {**good(both), again.mark: CopyCheck("2026-11-21T00:00:00Z", "changed")}) == ["again"]
    assert gone(both, {}) == []
    assert best_copies(both, {}) == [again]


def test_tags_say_what_the_catalogue_shows(tmp_path):
    manifest = read_manifest(write_repository_set(tmp_path / SITE, NAMES[0], kinds=("physical",)))
    tags = tags_of(manifest, "digest")
    assert not [tag for tag in tags if "," in tag]
    (known,) = offsite_sets([Snapshot("id", "then", ("lifeboat", *tags, "held"))])
    assert (known.manifest.position, known.manifest_sha256, known.held) == (manifest.position, "digest", True)
    assert sum(file.size_bytes for file in known.manifest.files) == sum(file.size_bytes for file in manifest.files)


@pytest.mark.parametrize("tags", [(), ("head=x",), ("head=eJwDAAAAAAE=", "manifest=d"), ("head=",)], ids=str)
def test_snapshots_of_others_are_left_alone(tags):
    assert offsite_sets([Snapshot("id", "then", tags)]) == []


def test_what_was_read_back_is_remembered_by_repository(copies, tmp_path):
    assert good_copies(tmp_path) is None
    first, second = replace(copies[0], manifest_sha256="1"), replace(copies[0], manifest_sha256="2")
    write_checks(tmp_path, "here", good([first]))
    write_checks(tmp_path, "there", {**good([first]), second.mark: CopyCheck("2026-11-21T00:00:00Z", "changed")})
    assert read_checks(tmp_path, "here") == good([first])
    assert good_copies(tmp_path) == {"1"}


def test_what_goes_is_forgotten_and_pruned_only_when_that_is_asked_for(tmp_path):
    folder = tmp_path / "sites" / SITE
    for name in NAMES:
        write_repository_set(folder, name, files={"database.sql.gz": ("database", b"dump")})
    repository = FolderRepository(tmp_path / "offsite")
    copy_sets(repository, SITE, folder, NOW, create=False, check_all=False, dry_run=False)

    def retained(**options):
        return retain_copies(repository, SITE, folder, ONE, NOW, **{"prune": False, "dry_run": False, **options})

    planned = retained(dry_run=True)
    assert "forget" not in repository.calls
    done = retained()
    assert done == planned
    assert [entry["name"] for entry in done["removed"]] == [NAMES[1], NAMES[0]]
    assert "prune" not in repository.calls
    assert not retained(prune=True)["changed"]
    write_checks(folder, repository.name, {})
    write_repository_set(folder, "20261120_000000-site1_local", files={"database.sql.gz": ("database", b"dump")})
    copy_sets(repository, SITE, folder, NOW, create=False, check_all=False, dry_run=False)
    assert retained(prune=True)["changed"]
    assert "prune" in repository.calls
