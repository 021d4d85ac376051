"""Databases that no archived site may take with it, whatever its configuration says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.configuration import DatabaseAddress
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.archived_database import drop_database
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.cleanup_folder import make_bench


@pytest.mark.parametrize(
    ("name", "user", "why"),
    [
        ("mysql", "mysql", "none of a site"),
        ("_x", "root", "none of a site"),
        ("_a", "_x", "live site a.example"),
        ("_x", "_a", "live site a.example"),
    ],
    ids=["system database", "system account", "database of a live site", "account of a live site"],
)
def test_nothing_that_is_in_use_is_dropped(tmp_path: Path, name: str, user: str, why: str) -> None:
    bench = make_bench(tmp_path)
    with pytest.raises(LifeboatError, match=why) as refused:
        drop_database(bench, [bench], DatabaseAddress(name, user, "127.0.0.1", 1))
    assert refused.value.error_code == "archive_unproven"


def test_live_site_that_cannot_be_read_keeps_every_database(tmp_path: Path) -> None:
    bench = make_bench(tmp_path)
    bench.site("a.example").config_path.write_text("no json")
    with pytest.raises(LifeboatError) as refused:
        drop_database(bench, [bench], DatabaseAddress("_x", "_x", "127.0.0.1", 1))
    assert refused.value.error_code == "configuration_invalid"
    bench.site("a.example").config_path.write_text(json.dumps({"db_name": "_a"}))
    with pytest.raises(LifeboatError) as unreachable:
        drop_database(bench, [bench], DatabaseAddress("_x", "_x", "127.0.0.1", 1))
    assert unreachable.value.error_code == "mariadb_unreachable"
