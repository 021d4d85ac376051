"""Choosing what a drill recovers."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.sets import BackupSet
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.point import (
    Window,
    choose_second,
    choose_set_to_drill,
)
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
    """Its ends included, the same for the same number of drills, and another for the next one."""
    window = Window(
        datetime(2026, 11, 21, 3, 0, 0, tzinfo=timezone.utc), datetime(2026, 11, 21, 3, 0, 2, tzinfo=timezone.utc)
    )
    chosen = [choose_second(window, SITE, count).recover_to for count in range(50)]
    assert set(chosen) == {f"2026-11-21T03:00:0{second}+00:00" for second in range(3)}
    assert chosen == [choose_second(window, SITE, count).recover_to for count in range(50)]
    assert choose_second(window, SITE, 0).choice == "random"
