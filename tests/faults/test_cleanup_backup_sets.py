"""Sets go by the retention of the collection, whole, and never the last good one: rules/backup_sets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.chain import read_chain
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.retention_run import remove_folder
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.plan import decode_plan, digest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.run import run_clean

from tests.backup_sets import SITE, write_repository_set
from tests.cleanup_runs import clean, request_of
from tests.killed_at_changes import kills
from tests.small_disk import small_disk

NAMES = [f"202611{day}_030000-site1_local" for day in (10, 11, 12, 13)]


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    make(tmp_path)
    return tmp_path


def make(folder: Path) -> None:
    shutil.rmtree(folder / "repository", ignore_errors=True)
    for name in NAMES:
        files = {"database.sql.gz": ("database", name.encode())}
        write_repository_set(folder / "repository" / "sites" / SITE, name, files=files)


def rules(folder: Path) -> dict[str, Any]:
    kept = {"keep_daily": 2, "keep_weekly": 0, "keep_monthly": 0, "keep_minimum": 1}
    return {"backup_sets": {"repository_path": str(folder / "repository"), **kept}}


def left(folder: Path) -> list[str]:
    site_folder = folder / "repository" / "sites" / SITE
    return sorted(path.name for path in site_folder.iterdir() if path.is_dir())


@pytest.mark.promise(24)
@pytest.mark.promise(25)
def test_sets_that_no_rule_keeps_go_once(sets: Path) -> None:
    planned = run_clean(request_of(sets, [], rules(sets)), None, check_mode=True)
    assert planned["rules"]["backup_sets"]["items"] == 2
    assert left(sets) == NAMES
    done = clean(sets, [], rules(sets))
    assert [(task["outcome"], task["count"]) for task in done["tasks"]] == [("done", 2)]
    assert left(sets) == NAMES[2:]
    assert not clean(sets, [], rules(sets))["changed"]


@pytest.mark.promise(24)
def test_nothing_goes_before_a_newer_one_is_verified(sets: Path) -> None:
    for name in NAMES[2:]:
        (sets / "repository" / "sites" / SITE / name / "database.sql.gz").write_bytes(b"changed")
    done = clean(sets, [], rules(sets))
    assert left(sets)[-4:] == NAMES, done["lines"]


@pytest.mark.promise(24)
def test_reviewed_plan_takes_its_sets_alone_and_a_held_one_stays(sets: Path) -> None:
    request = request_of(sets, [], rules(sets))
    planned = json.loads(run_clean(request, None, check_mode=True)["plan"])
    planned["tasks"][0]["parameters"]["sets"] = NAMES[:1]
    content = json.dumps(planned).encode()
    (sets / "repository" / "sites" / SITE / "holds.json").write_text("no list")
    reviewed = decode_plan(content, digest(content), planned["host"])
    for plan in (None, reviewed):
        refused = run_clean(request, plan, check_mode=False)
        assert (refused["changed"], refused["refused"][0]["error_code"]) == (False, "holds_damaged")
    (sets / "repository" / "sites" / SITE / "holds.json").unlink()
    assert run_clean(request, reviewed, check_mode=False)["tasks"][0]["count"] == 1
    assert left(sets) == NAMES[1:]
    planned["tasks"][0]["parameters"]["site"] = "../sites"
    content = json.dumps(planned).encode()
    forged = run_clean(request, decode_plan(content, digest(content), planned["host"]), check_mode=False)
    assert forged["refused"][0]["error_code"] == "plan_refused"


@pytest.mark.promise(11)
def test_killed_cleanup_is_completed_by_the_next(tmp_path: Path) -> None:
    for number in kills(lambda: make(tmp_path), lambda: clean(tmp_path, [], rules(tmp_path))):
        whole = [name for name in left(tmp_path) if (tmp_path / "repository" / "sites" / SITE / name).is_dir()]
        assert set(NAMES[2:]) <= set(whole), number
        clean(tmp_path, [], rules(tmp_path))
        assert left(tmp_path) == NAMES[2:], number


@pytest.mark.promise(9)
def test_full_disk_does_not_stop_the_sets_that_free_it(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk) as fill:
        make(disk)
        (disk / "repository" / "sites" / SITE / NAMES[0] / "large").write_bytes(b"x" * 100_000)
        fill()
        done = clean(disk, [], rules(disk))
        assert [(task["outcome"], task["count"]) for task in done["tasks"]] == [("done", 2)], done["lines"]
        assert left(disk) == NAMES[2:]
        assert read_chain(disk / "repository" / "sites" / SITE).removed() >= set(NAMES[:2])


def test_set_that_was_changed_since_it_was_looked_at_stays(sets: Path) -> None:
    request = request_of(sets, [], rules(sets))
    plan = run_clean(request, None, check_mode=True)
    remove_folder(sets / "repository" / "sites" / SITE / NAMES[0])
    reviewed = decode_plan(plan["plan"].encode(), plan["plan_sha256"], json.loads(plan["plan"])["host"])
    assert run_clean(request, reviewed, check_mode=False)["tasks"][0]["count"] == 1
    assert left(sets) == NAMES[2:]
    assert not run_clean(request, reviewed, check_mode=False)["changed"]
