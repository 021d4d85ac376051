from __future__ import annotations

import errno
import os
from datetime import datetime, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making import set_maker
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.backup import make_backup
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.request import (
    BackupRequest,
    plan_backup,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.source import Source
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import ServerFacts
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.backup_sets import SITE, write_repository_set

NOW = datetime(2026, 11, 21, 4, 0, 0, tzinfo=timezone.utc)
FACTS = ServerFacts("10.11.19-MariaDB", "/var/lib/mysql", "db", 3306, True, 1, 16384, 0)


@pytest.fixture
def backup(tmp_path):
    """Make a backup of a site, or plan one, as options of the request say."""
    site = Bench(tmp_path / "bench").site(SITE)
    site.path.mkdir(parents=True)
    source = Source(site, {}, "_1", FACTS, 1, ())

    def run(work=make_backup, **options):
        request = BackupRequest(site, Repository(tmp_path / "r"), LoginOptions(), print, reserve_bytes=0, **options)
        if work is plan_backup:
            return plan_backup(request, source, NOW)
        return make_backup(request, source, None, ProgressReporter(), lambda: NOW)

    return run


@pytest.fixture
def site_folder(tmp_path):
    return tmp_path / "r" / "sites" / SITE


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_another_backup_has_just_made_will_do(backup, site_folder):
    name = write_repository_set(site_folder, "20261121_035959-site1_local", database="_1").name
    assert backup(max_age_seconds=3600) is None
    plan = backup(plan_backup, max_age_seconds=3600)
    assert (plan.needed, plan.newest, plan.reason) == (False, name, f"The newest set {name} is new enough.")


def test_leftovers_are_in_the_plan_and_go_first(backup, site_folder, monkeypatch):
    (site_folder / "20261121_030000-site1_local.incomplete").mkdir(parents=True)
    assert backup(plan_backup).removes == ("20261121_030000-site1_local.incomplete",)
    monkeypatch.setattr(set_maker.SetMaker, "run", lambda _maker: names_in(site_folder))
    assert backup() == ["backup.lock"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_is_full_is_told_from_one_that_is_broken(backup, site_folder, monkeypatch, code):
    def fail(maker):
        maker._writer.begin()
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(set_maker.SetMaker, "run", fail)
    with pytest.raises((LifeboatError, OSError)) as failure:
        backup()
    assert getattr(failure.value, "error_code", "") == ("" if code == errno.EIO else "disk_space")
    assert names_in(site_folder) == ["backup.lock"]


def test_the_newest_set_is_the_one_made_last_whatever_its_time(backup, site_folder):
    write_repository_set(site_folder, "20261121_030000-site1_local")
    last = write_repository_set(site_folder, "20261121_030001-site1_local", recovery_point="2020-01-01T00:00:00Z").name
    assert backup(plan_backup, max_age_seconds=3600).newest == last
