"""What is asked for, in which life of the site it is, and which sets lead there (``_recovery.point_in_time``)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import Manifest, ManifestServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest_sets import set_of_manifest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.recovery_point import format_moment
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.sets import BackupSet
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.gtids import Gtid
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.point_in_time import (
    Life,
    Target,
    Window,
    base_candidates,
    life_at,
    lives_of,
    outside_window,
    parse_target,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from hypothesis import given
from hypothesis import strategies as st

SERVER = ManifestServer("10.11.6-MariaDB", 16384, 1, "db", 3306)
MOMENT = 1_795_240_000


def base(seconds: int, sequence: int, database: str = "_one") -> BackupSet:
    moment = format_moment(seconds)
    position = BinlogPosition(f"0-1-{sequence}", "binlog.000001", 400)
    manifest = Manifest(
        *("20261121_000000-site", "site", ("logical",), moment, moment, moment, position, database, SERVER),
        *((), "", "", "", (), (), (), None),
    )
    return set_of_manifest(Path("/sets", str(seconds)), manifest)


@pytest.mark.parametrize("text", ["2026-11-21T08:40:00+05:30", "2026-11-21T03:10:00Z", "2026-11-21T03:10:00.75Z"])
def test_a_moment_is_read_to_the_second_whatever_its_offset(text: str) -> None:
    assert parse_target(text, None) == Target(text, moment_seconds=1795230600)


@given(st.integers(0, 4_000_000_000), st.integers(-720, 840))
def test_every_offset_of_a_moment_means_the_same(seconds: int, minutes: int) -> None:
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    local = format_moment(seconds + minutes * 60)[:-1]
    target = parse_target(f"{local}{sign}{hours:02}:{rest:02}", None)
    assert target is not None
    assert target.moment_seconds == seconds


def test_every_other_form_is_told_apart() -> None:
    assert parse_target(None, None) is None
    assert parse_target("", "") is None
    assert parse_target("20261121_031522-erp", None) is None
    assert parse_target("latest", None) == Target("latest")
    assert parse_target("before:0-1-505", None) == Target("before:0-1-505", gtid=Gtid(0, 1, 505))
    for recover_to in (None, "", "latest"):
        assert parse_target(recover_to, "0-1-9") == Target("latest", undone=Gtid(0, 1, 9))


@pytest.mark.parametrize(
    ("recover_to", "undo", "code"),
    [
        ("2026-11-21T08:40:00", None, "recover_to_invalid"),
        ("2026-11-21", None, "recover_to_invalid"),
        ("2026-13-41T08:40:00Z", None, "recover_to_invalid"),
        ("before:yesterday", None, "gtid_invalid"),
        (None, "yesterday", "gtid_invalid"),
        ("2026-11-21T03:10:00Z", "0-1-9", "recover_to_invalid"),
    ],
)
def test_what_is_anybodys_guess_is_refused(recover_to: str | None, undo: str | None, code: str) -> None:
    with pytest.raises(LifeboatError) as refusal:
        parse_target(recover_to, undo)
    assert refusal.value.error_code == code


def test_lives_follow_promotions_and_rollbacks() -> None:
    moves = [(20.0, "_two", "_one"), (10.0, "_one", "_two"), (30.0, "_one", "_three")]
    assert lives_of(moves, "_three") == (
        Life("_one", None, 10.0),
        Life("_two", 10.0, 20.0),
        Life("_one", 20.0, 30.0),
        Life("_three", 30.0, None),
    )
    assert lives_of([], "_one") == (Life("_one", None, None),)
    assert lives_of([(10.0, "_one", "_two")], "") == (Life("_one", None, 10.0), Life("_two", 10.0, None))
    # Somebody moved the site without a recovery.
    assert lives_of([(10.0, "_one", "_two")], "_x")[1:] == (Life("_two", 10.0, None), Life("_x", None, None))


@given(st.lists(st.floats(1, 100), unique=True, max_size=6), st.floats(0, 101))
def test_every_moment_is_in_exactly_the_life_that_was_lived_then(ends: list[float], moment: float) -> None:
    ordered = sorted(ends)
    moves = [(end, f"_{index}", f"_{index + 1}") for index, end in enumerate(ordered)]
    lives = lives_of(moves, f"_{len(ends)}")
    assert life_at(lives, Target("t", moment_seconds=moment)).database == f"_{sum(end < moment for end in ordered)}"
    assert life_at(lives, Target("latest")) == lives[-1]


def test_a_base_is_older_than_its_target() -> None:
    sets = [base(MOMENT - 10, 5), base(MOMENT, 7), base(MOMENT + 10, 9)]
    lives = lives_of([], "_one")
    # The set of the very second may hold what was committed in that second.
    assert base_candidates(sets, Target("t", moment_seconds=MOMENT), lives) == sets[:1]
    assert base_candidates(sets, Target("t", moment_seconds=MOMENT + 1), lives) == sets[:2]
    assert base_candidates(sets, Target("t", gtid=Gtid(0, 1, 8)), lives) == sets[:2]
    assert base_candidates(sets, Target("t", gtid=Gtid(3, 1, 8)), lives) == sets
    assert base_candidates(sets, Target("latest"), lives) == sets
    assert base_candidates(sets, Target("latest", undone=Gtid(0, 1, 7)), lives) == sets[:1]


def test_a_base_is_of_the_database_that_was_lived_in() -> None:
    sets = [base(MOMENT - 10, 5), base(MOMENT + 10, 9, "_two")]
    lives = lives_of([(float(MOMENT), "_one", "_two")], "_two")
    assert base_candidates(sets, Target("latest"), lives) == sets[1:]
    assert base_candidates(sets, Target("t", moment_seconds=MOMENT - 5), lives) == sets[:1]
    assert base_candidates(sets, Target("t", moment_seconds=MOMENT + 5), lives) == []
    assert base_candidates(sets, Target("t", gtid=Gtid(0, 1, 11)), lives) == sets


def test_a_set_without_a_position_is_no_base() -> None:
    known = base(MOMENT - 10, 5)
    assert known.manifest is not None
    without = replace(known, manifest=replace(known.manifest, position=None))
    of_bench = replace(known, manifest=None)
    assert base_candidates([without, of_bench], Target("latest"), lives_of([], "_one")) == []


def test_the_window_is_shown() -> None:
    said = outside_window(Target("latest"), Window(MOMENT, MOMENT + 60), "because")
    assert said.error_code == "outside_window"
    assert str(said.details["window"]) in said.message
    without = outside_window(Target("latest"), None, "because").message
    assert without.endswith("It can be recovered to the moment of a complete set by its name.")
