"""Drills of the collection's own sets: physical ones, and a random second behind them."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.drill_records import (
    imported_manifests,
    read_drill_records,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest_sets import manifest_digest
from ansible_collections.lifeboat.frappe.plugins.modules import backup_offsite, site_drill

from tests.lab.lab import Lab
from tests.lab.processes import wait_until
from tests.modules import run_module
from tests.point_in_time_site import LOGS_ROWS, SITE, PointInTimeSite
from tests.tools.checkout import ROOT

SCHEMA = json.loads((ROOT / "docs" / "drill-record.schema.json").read_text())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PointInTimeSite]:
    folder = tmp_path_factory.mktemp("drilled-sets")
    with Lab(folder / "lab", services=False, sites=(SITE,), **LOGS_ROWS) as lab:
        yield PointInTimeSite(lab, folder / "state")
    shutil.rmtree(folder)


def drill(site: PointInTimeSite, **options: Any) -> dict[str, Any]:
    common = {**site.options, "repository_path": str(site.repository_path), "reserve_bytes": 0, "slowdown_limit": 0}
    result = run_module(site_drill, **{**common, **options})
    assert not result["failed"], result
    record: dict[str, Any] = result["record"]
    jsonschema.validate(record, SCHEMA)
    return record


def test_a_physical_set_is_drilled_and_its_rows_are_those_of_its_manifest(site: PointInTimeSite) -> None:
    site.back_up("physical")
    live = site.live()
    record = drill(site)
    assert (record["kind"], record["set"]["kinds"]) == ("physical", ["physical"])
    assert {finding["name"] for finding in record["findings"] if finding["outcome"] == "failed"} == set()
    assert site.live() == live
    # A recovery of the same files meets a server that need not be shielded from them any more.
    assert imported_manifests(read_drill_records(site.state_path, SITE)) == {
        manifest_digest(Path(record["set"]["folder"]))
    }


def test_a_copy_off_site_is_fetched_into_the_scratch_place_and_drilled(site: PointInTimeSite) -> None:
    offsite = {"offsite_repository": str(site.lab.folder.parent / "restic"), "offsite_password": "of the copies"}
    name = site.back_up("logical")
    copied = run_module(backup_offsite, site=SITE, repository_path=str(site.repository_path), create=True, **offsite)
    assert not copied["failed"], copied
    sets = site.repository_path / "sites" / SITE
    here = sorted(path.name for path in sets.iterdir())
    (sets / name).rename(site.lab.folder.parent / "lost")
    try:
        record = drill(site, **offsite)
    finally:
        (site.lab.folder.parent / "lost").rename(sets / name)
    assert (record["set"]["name"], record["set"]["location"], record["kind"]) == (name, "offsite", "logical+fetch")
    phases = {phase["name"]: phase for phase in record["phases"]}
    assert list(phases) == ["fetch", "verify", "load", "files", "prove", "cleanup"]
    assert phases["fetch"]["bytes"] == record["set"]["size_bytes"]
    assert sorted(path.name for path in sets.iterdir()) == here
    assert not list((site.state_path / SITE).glob("lifeboat-drill-*"))


def test_a_random_second_is_drilled_with_what_was_written_until_then(site: PointInTimeSite) -> None:
    site.back_up("logical")
    begin = int(time.time())
    wait_until(lambda: time.time() > begin + 2, "a second that can be chosen")
    site.write("INSERT INTO tabToDo (name, description) VALUES ('written since', 'x')")
    live = site.live()
    record = drill(site, drill_point="random")
    # Which of the sets is the base depends on the second.
    assert (record["kind"].partition("+")[2], record["point"]["choice"]) == ("replay", "random")
    assert record["recovery_point"] == record["replay"]["target"]
    assert [phase["name"] for phase in record["phases"]] == ["verify", "load", "replay", "files", "prove", "cleanup"]
    assert site.live() == live
    assert read_drill_records(site.state_path, SITE)[-1] == record
