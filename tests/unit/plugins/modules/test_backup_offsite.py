"""Options of ``backup_offsite``; what it does with restic is in the integration tests."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import backup_info, backup_offsite

from tests.modules import run_module


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({}, "offsite_repository"),
        ({"offsite_repository": "/r"}, "required together"),
        ({"offsite_repository": "/r", "offsite_password": "p", "state": "moved"}, "state"),
        ({"offsite_repository": "/r", "offsite_password": "p", "check": "some"}, "check"),
    ],
    ids=["no repository", "no password", "no such state", "no such check"],
)
def test_what_is_missing_or_unknown_is_refused(options, reason):
    result = run_module(backup_offsite, site="a.b", **options)
    assert result["failed"]
    assert reason in result["msg"]


@pytest.mark.parametrize("module", [backup_offsite, backup_info], ids=lambda module: module.__name__.rpartition(".")[2])
def test_an_address_that_shows_a_password_is_refused(module, tmp_path):
    options = {"site": "a.b", "offsite_repository": "rest:https://a:b@host/", "offsite_password": "p"}
    if module is backup_info:
        options["paths"] = [str(tmp_path)]
    assert run_module(module, **options)["error_code"] == "offsite_refused"
