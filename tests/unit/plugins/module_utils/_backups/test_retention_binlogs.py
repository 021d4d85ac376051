"""Which archived binary logs go: never one that a set needs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_archive import archive_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_index import index_path, write_entry
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import (
    MANIFEST_NAME,
    InexactTable,
    ManifestServer,
    read_manifest,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository_retention import retain
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.retention import RetentionPolicy
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.retention_binlogs import (
    apply_binlogs,
    oldest_position,
    plan_binlogs,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.set_lock import backup_lock
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backup_sets import SITE, write_repository_set
from tests.binlog_files import archived_binlog

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
ONE = RetentionPolicy(keep_daily=0, keep_weekly=0, keep_monthly=0, keep_yearly=0, keep_minimum=1)
LOGS = 6


def at(number):
    return BinlogPosition("", f"binlog.{number:06}", 512)


def make_set(repository, site, day, position, hostname="db", **values):
    server = ManifestServer("10.11.6-MariaDB", 16384, 1, hostname, 3306)
    name = f"202611{day:02}_000000-{site.replace('.', '_')}"
    files = {"database.sql.gz": ("database", name.encode())}
    folder = repository.site_folder(site)
    return write_repository_set(folder, name, files=files, position=position, server=server, **values)


@pytest.fixture
def repository(tmp_path):
    return archived(Repository(tmp_path))


def archived(repository, hostname="db"):
    archive = archive_of(repository, hostname, 3306)
    archive.folder.mkdir(parents=True)
    for number in range(1, LOGS + 1):
        entry = archived_binlog(number, f"0-1-{number}", f"0-1-{number + 1}")
        entry = replace(entry, server=replace(entry.server, hostname=hostname))
        (archive.folder / entry.stored_name).write_bytes(b"x" * entry.stored_bytes)
        write_entry(archive.folder, entry)
    return repository


def left(repository, hostname="db"):
    return [int(entry.name[-6:]) for entry in archive_of(repository, hostname, 3306).entries()]


def run(repository, tmp_path, dry_run=False, binlogs=True):
    return retain(
        repository,
        repository.sites(),
        ONE,
        NOW,
        state_path=tmp_path / "state",
        is_read=lambda _site, _folder: False,
        binlogs=binlogs,
        dry_run=dry_run,
    )


@pytest.mark.promise(24)
def test_logs_before_the_oldest_set_that_stays_go_with_the_sets(repository, tmp_path):
    for day, position in ((17, at(2)), (18, at(3)), (19, at(4))):
        make_set(repository, SITE, day, position)
    planned = run(repository, tmp_path, dry_run=True)
    assert left(repository) == [1, 2, 3, 4, 5, 6]
    done = run(repository, tmp_path)
    assert planned == done
    assert left(repository) == [4, 5, 6]
    (plan,) = done["binlogs"]
    assert (plan["needed_from"], len(plan["removed"]), plan["problem"]) == ("binlog.000004", 3, "")
    assert done["freed_bytes"] == plan["freed_bytes"] + sum(
        entry["size_bytes"] for entry in done["sites"][0]["removed"]
    )
    assert not run(repository, tmp_path)["changed"]


def test_logs_are_left_alone_when_that_is_asked_for(repository, tmp_path):
    make_set(repository, SITE, 17, at(4))
    assert not run(repository, tmp_path, binlogs=False)["changed"]


@pytest.mark.promise(24)
def test_sets_of_all_sites_of_the_server_count_and_those_of_others_do_not(repository, tmp_path):
    archived(repository, "other")
    make_set(repository, SITE, 17, at(5))
    make_set(repository, "second.local", 17, at(3))
    make_set(repository, "third.local", 17, at(6), hostname="other")
    run(repository, tmp_path)
    assert (left(repository), left(repository, "other")) == ([3, 4, 5, 6], [6])


def test_an_archive_under_a_name_of_its_own_is_known_by_its_server(repository, tmp_path):
    folder = archive_of(repository, "db", 3306).folder
    folder.rename(folder.with_name("chosen"))
    make_set(repository, SITE, 17, at(5))
    (plan,) = run(repository, tmp_path)["binlogs"]
    assert (plan["server"], len(plan["removed"])) == ("chosen", 4)


def test_nothing_goes_where_no_set_has_a_position(repository, tmp_path):
    make_set(repository, SITE, 17, None)
    assert not run(repository, tmp_path)["changed"]


@pytest.mark.promise(24)
def test_nothing_goes_where_it_is_not_known_what_a_set_needs(repository, tmp_path):
    make_set(repository, SITE, 17, at(5))
    (make_set(repository, "second.local", 17, at(3)) / MANIFEST_NAME).write_text("{")
    done = run(repository, tmp_path)
    assert "cannot be understood" in done["binlogs"][0]["problem"]
    assert len(left(repository)) == LOGS


def test_an_archive_that_cannot_be_understood_stays_and_costs_no_other(repository, tmp_path):
    archived(repository, "other")
    index_path(archive_of(repository, "db", 3306).folder, "binlog.000002").write_text("{")
    make_set(repository, SITE, 17, at(5))
    make_set(repository, "second.local", 17, at(5), hostname="other")
    assert [bool(plan["problem"]) for plan in run(repository, tmp_path)["binlogs"]] == [True, False]
    assert left(repository, "other") == [5, 6]


@pytest.mark.promise(24)
def test_a_set_that_is_made_meanwhile_keeps_the_logs_that_it_needs(repository):
    make_set(repository, SITE, 17, at(5))
    plans = plan_binlogs(repository, ())
    make_set(repository, "second.local", 17, at(3))
    apply_binlogs(repository, plans)
    assert left(repository) == [3, 4, 5, 6]


def test_while_logs_are_archived_none_goes(repository, tmp_path):
    make_set(repository, SITE, 17, at(5))
    with backup_lock(archive_of(repository, "db", 3306).folder), pytest.raises(LifeboatError) as failure:
        run(repository, tmp_path)
    assert failure.value.error_code == "backup_running"
    assert len(left(repository)) == LOGS


def test_a_table_that_is_older_than_its_set_counts(repository):
    table = InexactTable("__global_search", "MyISAM", at(2), at(3))
    unknown = InexactTable("tabError Log", "MyISAM", None, None)
    folder = make_set(repository, SITE, 17, at(3), inexact_tables=(table, unknown))
    assert oldest_position(read_manifest(folder)) == at(2)


@pytest.mark.promise(24)
@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(1, LOGS), st.booleans()), min_size=1, max_size=6))
def test_whatever_goes_no_set_that_stays_needs_it(tmp_path_factory, sets):
    tmp_path = tmp_path_factory.mktemp("archive")
    repository = archived(Repository(tmp_path))
    try:
        for day, (position, is_of_second_site) in enumerate(sets, 1):
            make_set(repository, "second.local" if is_of_second_site else SITE, day, at(position))
        run(repository, tmp_path)
        stay = [read_manifest(path.parent) for path in repository.path.glob(f"sites/*/*/{MANIFEST_NAME}")]
        oldest = min(int(manifest.position.file[-6:]) for manifest in stay)
        assert left(repository) == list(range(oldest, LOGS + 1))
    finally:
        shutil.rmtree(tmp_path)
