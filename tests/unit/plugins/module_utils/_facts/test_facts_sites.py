"""Sizes, backups and rehearsed restores of sites, read by ``sites``."""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Settings
from ansible_collections.lifeboat.frappe.plugins.module_utils._facts import sites

from tests.unit.plugins.module_utils._facts.fakes import FakeBench, site_of, write

SITE = "erp.example.com"


@pytest.fixture
def bench(tmp_path: Path) -> FakeBench:
    write(tmp_path, f"/bench/sites/{SITE}/site_config.json", '{"db_name": "_a"}')
    write(tmp_path, "/bench/sites/common_site_config.json", "{}")
    return FakeBench(tmp_path / "bench", ("web",), tmp_path / "state")


def test_a_bench_with_the_sizes_of_its_sites(bench: FakeBench) -> None:
    write(bench.bench.path, f"sites/{SITE}/public/files/deep/a", "12345")
    write(bench.bench.path, f"sites/{SITE}/private/files/b", "123")
    (bench.bench.path / "sites" / SITE / "public" / "files" / "link").symlink_to("/etc")
    (found,) = sites.bench_facts(bench, [site_of(bench, SITE)])
    assert found["services"] == {"web": 1}
    assert found["sites"] == [{"name": SITE, "files_bytes": 8, "files_are_whole": True}]


def test_counting_stops_in_time(tmp_path: Path) -> None:
    write(tmp_path, "a", "12345")
    assert sites.folder_bytes(tmp_path, time.monotonic() - 1) == (0, False)
    os.mkfifo(tmp_path / "pipe")
    assert sites.folder_bytes(tmp_path, time.monotonic() + 60) == (5, True)


def test_the_newest_complete_set(bench: FakeBench) -> None:
    folder = bench.bench.path / "sites" / SITE / "private" / "backups"
    folder.mkdir(parents=True)
    for name in ("20261120_020000", "20261121_020000"):
        (folder / f"{name}-erp_example_com-database.sql.gz").write_bytes(gzip.compress(b"-- MariaDB dump\n"))
    (folder / "20261122_020000-erp_example_com-files.tar").write_bytes(b"x")
    (found,) = sites.backup_facts(site_of(bench, SITE))
    assert (found["newest"], found["verdict"], found["sets"]) == ("20261121_020000-erp_example_com", "complete", 3)
    assert found["recovery_point"]
    assert found["total_bytes"] > found["size_bytes"] > 0


def test_no_set_and_none_that_is_complete(bench: FakeBench) -> None:
    site = site_of(bench, SITE)
    (found,) = sites.backup_facts(site)
    assert (found["newest"], found["verdict"], found["size_bytes"]) == ("", "", None)
    elsewhere = bench.bench.path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "20261122_020000-erp_example_com-files.tar").write_bytes(b"x")
    object.__setattr__(site.surroundings, "settings", Settings(backup_paths=(str(elsewhere),)))
    (found,) = sites.backup_facts(site)
    assert (found["newest"], found["verdict"], found["sets"]) == ("", "broken", 1)


def test_the_last_recovery_shows_that_a_restore_works(bench: FakeBench) -> None:
    site = site_of(bench, SITE)
    assert sites.rehearsal_facts(site) == []
    for name, outcome in (("20261101T000000Z-aaaa", "failed"), ("20261102T000000Z-bbbb", "recovered")):
        record = {"ended_at": f"{name[:8]}", "outcome": outcome}
        write(site.surroundings.state_path, f"{SITE}/{name}/record.json", json.dumps(record))
    assert sites.rehearsal_facts(site) == [{"site": SITE, "at": "20261102", "outcome": "recovered"}]
