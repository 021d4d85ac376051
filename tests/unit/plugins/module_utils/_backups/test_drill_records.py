"""The records of drills: which drill was the last of which set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.drill_records import (
    append_drill_record,
    imported_manifests,
    last_drill,
    read_drill_records,
)

SITE = "erp.example.com"


def record(drill: str, name: str = "20261121_030000-erp_example_com", **values: Any) -> dict[str, Any]:
    """Return as much of a record as the catalogue looks at."""
    return {
        "site": SITE,
        "drill": drill,
        "ended_at": f"2026-11-21T0{drill}:00:00Z",
        "outcome": "passed",
        "seconds": 12.5,
        "set": {"name": name, "size_bytes": 1000},
        "error": None,
        **values,
    }


def test_where_no_drill_ever_ran_there_is_no_record_and_no_folder(tmp_path: Path) -> None:
    """Reading makes nothing."""
    assert read_drill_records(tmp_path, SITE) == []
    assert not list(tmp_path.iterdir())


def test_records_come_back_oldest_first_and_the_file_is_private(tmp_path: Path) -> None:
    """What was appended is read again, and nobody else may read it."""
    for drill in ("1", "2", "3"):
        append_drill_record(tmp_path, record(drill))
    assert [found["drill"] for found in read_drill_records(tmp_path, SITE)] == ["1", "2", "3"]
    path = tmp_path / SITE / "drills.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_file_keeps_one_old_generation(tmp_path: Path) -> None:
    """The records do not grow for ever."""
    for drill in range(9):
        append_drill_record(tmp_path, record(str(drill)), limit_bytes=500)
    drills = [found["drill"] for found in read_drill_records(tmp_path, SITE)]
    assert drills[-1] == "8"
    assert len(drills) < 9
    assert sorted(path.name for path in (tmp_path / SITE).iterdir()) == ["drills.jsonl", "drills.jsonl.1"]


def test_the_last_drill_of_a_set_is_its_newest() -> None:
    """Also when an earlier one passed and another set was drilled since."""
    records = [
        record("1"),
        record("2", outcome="failed", error={"code": "drill_failed", "reason": "The ledger does not balance."}),
        record("3", name="another"),
    ]
    found = last_drill(records, "20261121_030000-erp_example_com", 1000)
    assert found is not None
    assert found.as_dict() == {
        "drill": "2",
        "at": "2026-11-21T02:00:00Z",
        "outcome": "failed",
        "reason": "The ledger does not balance.",
        "seconds": 12.5,
    }


def test_a_set_that_was_never_drilled_has_no_last_drill() -> None:
    """Nor has one that is not what it was when it was drilled, nor does a drill count that found no set."""
    records = [record("1"), {**record("2"), "set": None}]
    assert last_drill(records, "another", 1000) is None
    assert last_drill(records, "20261121_030000-erp_example_com", 999) is None


def test_only_a_drill_that_passed_from_files_proves_that_they_can_be_imported() -> None:
    """A dump that was loaded says nothing of the files beside it."""

    def of(digest: str, **values: Any) -> dict[str, Any]:
        return record("1", **{"kind": "physical", **values, "set": {"name": "x", "manifest_sha256": digest}})

    records = [
        of("a"),
        of("b", kind="physical+replay"),
        of("c", kind="logical"),
        of("d", outcome="failed"),
        record("2", kind="physical"),
        record("3", kind="", outcome="failed", set=None),
    ]
    assert imported_manifests(records) == {"a", "b"}
