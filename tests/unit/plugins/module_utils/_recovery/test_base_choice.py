"""The base of a point in time and the window, from sets, lives and logs that are values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import Manifest, ManifestServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest_sets import set_of_manifest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.recovery_point import format_moment
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.sets import BROKEN, BackupSet
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import base_choice
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.base_choice import choose_base, read_lives
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.point_in_time import (
    Life,
    Target,
    Window,
    parse_target,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.replay_plans import REPLAY

SERVER = ManifestServer("10.11.6-MariaDB", 16384, 1, "db", 3306)
MOMENT = 1_795_240_000
NOW = MOMENT + 1000.0
ONE_LIFE = (Life("_one", None, None),)


def base(seconds: int, sequence: int, database: str = "_one", **fields: Any) -> BackupSet:
    moment = format_moment(seconds)
    position = BinlogPosition(f"0-1-{sequence}", f"binlog.{sequence:06d}", 400)
    manifest = Manifest(
        *(f"2026112{sequence}_000000-site", "site", ("logical",), moment, moment, moment, position, database, SERVER),
        *((), "", "", "", (), (), (), None),
    )
    return replace(set_of_manifest(Path("/sets", str(seconds)), manifest), **fields)


@dataclass(frozen=True)
class Logs:
    """Stands for ``SiteLogs``: logs from one file on, up to a moment."""

    first: str = "binlog.000000"
    until: float = NOW
    live: str | None = "a server"

    def since(self, position: BinlogPosition) -> tuple[Any, ...]:
        if position.file < self.first:
            raise LifeboatError(f"The binary log {position.file} is missing.", "binlog_gap")
        return ()

    def until_seconds(self, _now_seconds: float) -> float:
        return self.until

    def end_seconds(self, now_seconds: float) -> float:
        return now_seconds


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    def plan(manifest: Manifest, target: Target, _logs: Any, window: Window, _now: float) -> Any:
        return replace(REPLAY, database=manifest.database, window=window, target=target.text)

    monkeypatch.setattr(base_choice, "plan_replay", plan)

    def choose(sets: list[BackupSet], recover_to: str, lives: Any = ONE_LIFE, logs: Any = Logs()) -> Any:  # noqa: B008
        target = parse_target(recover_to, None)
        assert target is not None
        return choose_base(sets, target, lives, lambda _server: logs, lambda backup: backup, NOW)

    return choose


def refused(choose: Callable[..., Any], *arguments: Any, **options: Any) -> LifeboatError:
    with pytest.raises(LifeboatError) as refusal:
        choose(*arguments, **options)
    return refusal.value


def test_the_newest_complete_set_before_the_target_is_the_base(choose: Callable[..., Any]) -> None:
    sets = [
        base(MOMENT, 1),
        base(MOMENT + 20, 2),
        base(MOMENT + 40, 3, verdict=BROKEN, reasons=("Cut.",)),
        base(MOMENT + 60, 4),
    ]
    chosen = choose(sets, format_moment(MOMENT + 50))
    assert chosen.choice.chosen == sets[1]
    assert [skipped["name"] for skipped in chosen.choice.skipped] == [sets[2].name]
    assert chosen.replay.window == Window(MOMENT, NOW)


def test_the_window_begins_with_the_oldest_base_whose_logs_are_whole(choose: Callable[..., Any]) -> None:
    sets = [base(MOMENT, 1), base(MOMENT + 20, 2), base(MOMENT + 40, 3)]
    assert choose(sets, "latest", logs=Logs(first="binlog.000002")).replay.window.since_seconds == MOMENT + 20
    gap = refused(choose, sets, "latest", logs=Logs(first="binlog.000004"))
    assert gap.error_code == "binlog_gap"


def test_what_is_before_the_first_base_or_in_the_future_or_behind_the_logs_is_refused(
    choose: Callable[..., Any],
) -> None:
    sets = [base(MOMENT, 1)]
    for recover_to, logs, reason in (
        (format_moment(MOMENT - 1), Logs(), "no set with a position is older"),
        (format_moment(NOW + 5), Logs(), "future"),
        (format_moment(MOMENT + 90), Logs(until=MOMENT + 60.0), "binlog_archive"),
        (format_moment(MOMENT + 90), Logs(until=MOMENT + 60.0, live=None), "recover_to=latest recovers all"),
    ):
        said = refused(choose, sets, recover_to, logs=logs)
        assert said.error_code == "outside_window"
        assert reason in said.message
        assert format_moment(MOMENT) in said.message


def test_without_a_position_nothing_can_be_replayed(choose: Callable[..., Any]) -> None:
    known = base(MOMENT, 1)
    said = refused(choose, [replace(known, manifest=None)], "latest")
    assert said.error_code == "outside_window"
    assert "no set of the site has a position" in said.message


def test_another_life_of_the_site_is_refused(choose: Callable[..., Any]) -> None:
    sets = [base(MOMENT, 1)]
    lives = (Life("_one", None, MOMENT + 50.0), Life("_two", MOMENT + 50.0, None))
    assert choose(sets, format_moment(MOMENT + 40), lives).replay.window == Window(MOMENT, MOMENT + 50.0)
    for recover_to in ("latest", format_moment(MOMENT + 60)):
        said = refused(choose, sets, recover_to, lives)
        assert said.error_code == "outside_window"
        assert "_two" in said.message
        assert format_moment(MOMENT + 50) in said.message


def test_a_transaction_of_a_later_life_is_refused(choose: Callable[..., Any]) -> None:
    # The replay of the plan that stands for all plans leads to a moment of the second life.
    lives = (Life("_one", None, MOMENT - 90_000.0), Life("_two", MOMENT - 90_000.0, None))
    assert refused(choose, [base(MOMENT, 1)], "before:0-1-9", lives).error_code == "outside_window"


def test_the_lives_of_a_site_are_read_from_its_journals(tmp_path: Path) -> None:
    clock = iter(range(MOMENT, MOMENT + 100)).__next__
    for number, (replaced, database) in enumerate((("_one", "_two"), ("_two", "_three"))):
        journal = Journal.open(tmp_path, "site", f"2026112{number}T000000Z-0000", clock=clock)
        journal.append("promote.intent", "done", intent={"replaced_database": replaced, "database": database})
        journal.append("promote.configuration", "done")
    journal.append("rollback.configuration", "done")
    assert read_lives(tmp_path, "site", "_two") == (
        Life("_one", None, MOMENT + 1.0),
        Life("_two", MOMENT + 1.0, MOMENT + 3.0),
        Life("_three", MOMENT + 3.0, MOMENT + 4.0),
        Life("_two", MOMENT + 4.0, None),
    )
