"""Options and results of ``backup_info``."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench import layout
from ansible_collections.lifeboat.frappe.plugins.modules import backup_info

from tests.backup_sets import RUN, SITE, write_repository_set, write_set
from tests.modules import run_module


def test_sets_in_folders_are_listed_also_in_check_mode(tmp_path):
    write_set(tmp_path)
    result = run_module(backup_info, paths=[str(tmp_path)], check_mode=True)
    assert (result["failed"], result["changed"], result["chosen"]["name"]) == (False, False, RUN)
    assert {"sets", "chosen", "passed_over", "insecure_permissions"} <= set(result)


def test_where_to_look_has_to_be_said():
    result = run_module(backup_info)
    assert result["failed"]
    assert "one of the following is required: site, paths" in result["msg"]


@pytest.mark.parametrize(("option", "value"), [("verify", "deeply"), ("member_limit", "many")])
def test_other_values_are_refused(tmp_path, option, value):
    assert run_module(backup_info, paths=[str(tmp_path)], **{option: value})["failed"]


def test_a_bench_that_is_named_must_be_one(tmp_path):
    result = run_module(backup_info, site="a.b", bench_path=str(tmp_path), paths=[str(tmp_path)])
    assert result["error_code"] == "bench_not_found"


def test_the_sets_of_a_site_that_is_gone_are_listed(tmp_path, monkeypatch):
    # Whatever benches this machine has: the host of this test has none.
    monkeypatch.setattr(layout, "find_benches", lambda *_arguments: [])
    write_repository_set(tmp_path / "sites" / SITE)
    listed = run_module(backup_info, site=SITE, repository_path=str(tmp_path), state_path=str(tmp_path / "state"))
    assert [entry["name"] for entry in listed["sets"]] == [RUN]
    unknown = run_module(backup_info, site="other.local", repository_path=str(tmp_path))
    assert unknown["error_code"] == "bench_not_found"
