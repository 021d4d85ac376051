from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.choice import choose_set
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.sets import BackupSet, newest_first
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def backup(name, moment, verdict="complete", slug="a", source="gzip_header", folder="/backups"):
    return BackupSet(
        name=name,
        folder=Path(folder),
        slug=slug,
        artifacts=(),
        verdict=verdict,
        reasons=() if verdict == "complete" else (f"{name} is cut.",),
        recovery_point=f"2026-11-{moment}:00Z",
        recovery_point_source=source,
    )


OLD, MIDDLE, NEW = backup("old", "19T10:00"), backup("middle", "20T10:00"), backup("new", "21T10:00")


def test_the_newest_complete_set_is_taken_without_a_look_at_the_others():
    looked = []
    choice = choose_set([OLD, NEW, MIDDLE], None, lambda backup: looked.append(backup.name) or backup)
    assert (choice.chosen, choice.skipped, looked) == (NEW, (), ["new"])


def test_sets_that_turn_out_not_to_be_complete_are_passed_over_and_named():
    choice = choose_set(
        [OLD, NEW, MIDDLE], None, lambda found: found if found is OLD else backup(found.name, "21T10:00", "broken")
    )
    assert choice.chosen == OLD
    assert [(entry["name"], entry["verdict"], entry["reason"]) for entry in choice.skipped] == [
        ("new", "broken", "new is cut."),
        ("middle", "broken", "middle is cut."),
    ]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-20T10:00:00Z", MIDDLE),
        ("2026-11-20T15:30:00+05:30", MIDDLE),
        ("2026-11-20T09:59:59Z", OLD),
        ("2026-11-20 10:00:00.5+00:00", MIDDLE),
    ],
)
def test_a_moment_takes_the_newest_set_at_or_before_it(moment, expected):
    assert choose_set([OLD, MIDDLE, NEW], moment).chosen is expected


@pytest.mark.parametrize("name", ["old", "/backups/old"])
def test_a_name_takes_that_set(name):
    assert choose_set([OLD, MIDDLE, NEW], name).chosen is OLD


def test_a_set_that_is_there_twice_is_taken_from_where_it_is_whole():
    twice = [backup("old", "19T10:00", "broken", folder="/mnt"), OLD]
    assert choose_set(twice, "old").chosen is OLD


@pytest.mark.parametrize("moment", ["2026-11-20T10:00:00", "2026-11-20", "2026-11-99T10:00:00Z", "last tuesday"])
def test_anything_else_is_refused(moment):
    with pytest.raises(LifeboatError) as failure:
        choose_set([OLD], moment)
    assert failure.value.error_code == "recover_to_invalid"


def test_nothing_that_fits_is_said_with_the_reasons():
    with pytest.raises(LifeboatError) as failure:
        choose_set([backup("new", "21T10:00", "broken")])
    assert failure.value.error_code == "backup_not_found"
    assert "new is broken: new is cut." in failure.value.message


def test_a_moment_before_every_set_finds_none():
    with pytest.raises(LifeboatError) as failure:
        choose_set([OLD], "2026-11-01T00:00:00Z")
    assert failure.value.error_code == "backup_not_found"


def test_a_file_with_a_name_of_its_own_is_taken_only_by_that_name():
    custom = backup("custom.sql.gz", "22T10:00", slug="")
    choice = choose_set([OLD, custom])
    assert choice.chosen is OLD
    assert choice.skipped[0]["name"] == "custom.sql.gz"
    assert choose_set([OLD, custom], "custom.sql.gz").chosen is custom
    with pytest.raises(LifeboatError, match=r"custom\.sql\.gz was passed over: Its file's name does not say"):
        choose_set([custom])


def dates_the_copy(found):
    return replace(found, recovery_point="2026-11-18T10:00:00Z") if found.name == "copy" else found


def test_a_copy_with_a_new_time_is_dated_by_what_is_in_it():
    copy = backup("copy", "23T10:00", source="file_mtime")
    assert choose_set([OLD, copy], None, dates_the_copy).chosen is OLD
    assert choose_set([OLD, copy], "2026-11-18T11:00:00Z", dates_the_copy).chosen.name == "copy"
    assert choose_set([OLD, copy], "2026-11-19T11:00:00Z", dates_the_copy).chosen is OLD
    with pytest.raises(LifeboatError, match="Cannot find"):
        choose_set([OLD, copy], "2026-11-17T11:00:00Z", dates_the_copy)


def test_sets_are_ordered_by_their_recovery_points():
    assert newest_first([OLD, NEW, MIDDLE]) == [NEW, MIDDLE, OLD]
