from __future__ import annotations

import json

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.drill_records import append_drill_record
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.inventory import take_inventory
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import RUN, SITE, write_repository_set, write_set


def inventory(paths, site_name=None, site=None, depth="structure", recover_to=None, **places):
    return take_inventory(
        paths, site_name, site, depth=depth, encryption_key=None, recover_to=recover_to, member_limit=1000, **places
    )


def test_sets_and_the_choice_among_them_are_json(tmp_path):
    write_set(tmp_path)
    write_set(tmp_path, "20261122_144508-site1_local", database=b"cut")
    found = json.loads(json.dumps(inventory([tmp_path])))
    assert {entry["name"]: entry["verdict"] for entry in found["sets"]} == {
        RUN: "complete",
        "20261122_144508-site1_local": "broken",
    }
    assert found["chosen"]["name"] == RUN
    assert found["changed"] is False


def test_without_folders_the_sites_own_are_taken(tmp_path):
    site = Bench(tmp_path).site("site1.local")
    write_set(site.backups_path)
    assert inventory([], "site1.local", site)["chosen"]["name"] == RUN


def test_nothing_to_choose_is_no_error_unless_something_was_asked_for(tmp_path):
    write_set(tmp_path, database=None)
    found = inventory([tmp_path])
    assert (found["chosen"], found["passed_over"][0]["verdict"]) == (None, "broken")
    assert inventory([])["sets"] == []
    with pytest.raises(LifeboatError) as failure:
        inventory([tmp_path], recover_to=RUN)
    assert failure.value.error_code == "backup_not_found"


def test_the_repository_is_looked_into_together_with_the_sites_own_folder(tmp_path):
    repository, site = Repository(tmp_path / "repository"), Bench(tmp_path).site(SITE)
    write_set(site.backups_path, "20261120_144508-site1_local")
    folder = write_repository_set(repository.site_folder(SITE))
    lost = write_repository_set(repository.site_folder(SITE), "20261119_144508-site1_local")
    lost.rename(f"{lost}.incomplete")
    found = inventory([], SITE, site, repository=repository)
    assert [entry["name"] for entry in found["sets"]] == [RUN, "20261120_144508-site1_local"]
    assert found["chosen"]["folder"] == str(folder)
    assert [(entry["set"], entry["finding"]) for entry in found["chain"]] == [(lost.name, "missing")]
    assert found["leftovers"] == [f"{lost}.incomplete"]


def test_a_set_that_was_never_proven_says_so(tmp_path):
    site_folder = Repository(tmp_path).site_folder(SITE)
    write_repository_set(site_folder, "20261120_144508-site1_local")
    write_repository_set(site_folder)
    known = {entry["name"]: entry for entry in inventory([site_folder], SITE)["sets"]}
    record = {
        "drill": "d",
        "site": SITE,
        "set": {"name": RUN, "size_bytes": known[RUN]["size_bytes"]},
        "ended_at": "2026-11-22T00:00:00Z",
        "outcome": "passed",
        "error": None,
        "seconds": 3.5,
    }
    append_drill_record(tmp_path / "state", record)
    drills = [entry["last_drill"] for entry in inventory([site_folder], SITE, state_path=tmp_path / "state")["sets"]]
    assert (drills[0]["outcome"], drills[0]["seconds"], drills[1]) == ("passed", 3.5, None)
