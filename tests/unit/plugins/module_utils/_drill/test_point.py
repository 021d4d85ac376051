"""Choosing what a drill recovers."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.sets import BackupSet
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.point import choose_second, choose_set_to_drill
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.point_in_time import Window
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

SITE = "erp.example.com"


def backup(name: str, verdict: str = "complete") -> BackupSet:
    """Return a set with this name."""
    return BackupSet(name, Path("/b"), "erp_example_com", (), verdict, (), "2026-11-21T03:00:00Z", "file_mtime")


SETS = [backup("newest", "broken"), *(backup(f"older{number}") for number in range(4))]


def test_the_newest_set_is_drilled_also_when_it_is_broken() -> None:
    """A recovery would pass it over in silence; the drill has to say what is wrong with it."""
    point = choose_set_to_drill(SETS, SITE, 0, 5)
    assert point.as_dict() == {"choice": "newest", "recover_to": "/b/newest", "text": "The newest set."}


def test_every_nth_drill_takes_an_older_set() -> None:
    """Always the same one for the same number of drills, and not always the same one."""
    choices = [choose_set_to_drill(SETS, SITE, count, 3) for count in range(60)]
    assert [point.choice for point in choices] == ["newest", "newest", "older"] * 20
    older = [point.recover_to for point in choices if point.choice == "older"]
    assert set(older) == {f"/b/older{number}" for number in range(4)}
    assert choices == [choose_set_to_drill(SETS, SITE, count, 3) for count in range(60)]


@pytest.mark.parametrize(("older_every", "sets"), [(0, SETS), (1, SETS[:1])], ids=["never", "there is no older one"])
def test_without_an_older_set_the_newest_is_taken(older_every: int, sets: list[BackupSet]) -> None:
    """Or when none is wanted."""
    assert choose_set_to_drill(sets, SITE, 9, older_every).choice == "newest"


def test_a_site_without_any_set_is_said() -> None:
    """With what to do."""
    with pytest.raises(LifeboatError, match="has no backup set") as failed:
        choose_set_to_drill([], SITE, 0, 5)
    assert failed.value.error_code == "backup_not_found"


def test_a_random_second_is_inside_the_window() -> None:
    """Behind the second of the base, the last one included, and always the same for the same number of drills."""
    window = Window(1795230000.4, 1795230003.9)
    chosen = [choose_second(window, SITE, count) for count in range(50)]
    assert {point.recover_to for point in chosen} == {f"2026-11-21T03:00:0{second}Z" for second in (1, 2, 3)}
    assert chosen == [choose_second(window, SITE, count) for count in range(50)]
    assert {point.choice for point in chosen} == {"random"}


@pytest.mark.parametrize("window", [None, Window(1795230000.1, 1795230000.9)], ids=["none", "less than a second"])
def test_without_a_window_there_is_no_second(window: Window | None) -> None:
    """With what it takes to have one."""
    with pytest.raises(LifeboatError, match="drill_point=newest") as failed:
        choose_second(window, SITE, 0)
    assert failed.value.error_code == "outside_window"
