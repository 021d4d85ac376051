"""What a drill is asked for, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.request import DrillRequest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions

REQUEST = DrillRequest(
    Bench(Path("/bench")).site("a.b"), Path("/state"), LoginOptions(), Repository(Path("/repository"))
)


def test_sets_are_looked_for_where_a_recovery_looks() -> None:
    """In the site's own folder and in the repository, unless folders are given."""
    assert REQUEST.set_folders == (Path("/bench/sites/a.b/private/backups"), Path("/repository/sites/a.b"))
    assert replace(REQUEST, paths=(Path("/b"),)).set_folders == (Path("/b"),)


def test_the_scratch_place_is_in_the_folder_of_the_state_unless_another_is_given() -> None:
    """Which the site's owner cannot reach."""
    assert REQUEST.scratch_base == Path("/state")
    assert replace(REQUEST, scratch_path=Path("/large")).scratch_base == Path("/large")


def test_a_key_is_not_shown() -> None:
    """Wherever a request is printed."""
    assert "secret" not in repr(replace(REQUEST, encryption_key="secret"))
