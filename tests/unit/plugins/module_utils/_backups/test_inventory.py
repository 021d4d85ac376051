from __future__ import annotations

import json

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.inventory import take_inventory
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import RUN, write_set


def inventory(paths, site_name=None, site=None, depth="structure", recover_to=None):
    return take_inventory(
        paths, site_name, site, depth=depth, encryption_key=None, recover_to=recover_to, member_limit=1000
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
    assert (found["chosen"], found["skipped"][0]["verdict"]) == (None, "broken")
    assert inventory([])["sets"] == []
    with pytest.raises(LifeboatError) as failure:
        inventory([tmp_path], recover_to=RUN)
    assert failure.value.error_code == "backup_not_found"
