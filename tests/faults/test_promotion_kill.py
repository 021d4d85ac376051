"""A promotion and a rollback that are killed at every durable write, and at any other moment."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.lab import MariaDBServer
from tests.promotion_stage import Stage, exit_code_of

# How many durable writes a whole promotion and a whole rollback make; `test_..._has_all_writes` keeps them right.
PROMOTION_WRITES = 23
ROLLBACK_WRITES = 16


@pytest.fixture
def stage(tmp_path: Path, mariadb_server: MariaDBServer) -> Stage:
    return Stage(tmp_path, mariadb_server.login)


def test_every_write_of_a_promotion_and_a_rollback_is_injected(stage: Stage) -> None:
    writes: list[tuple[str, str]] = []
    stage.promote(lambda step, event: writes.append((step, event)))
    assert len(writes) == PROMOTION_WRITES
    writes.clear()
    stage.roll_back(lambda step, event: writes.append((step, event)))
    assert len(writes) == ROLLBACK_WRITES


@pytest.mark.promise(11)
@pytest.mark.parametrize("at_write", range(1, PROMOTION_WRITES + 1))
def test_promotion_killed_at_any_write_is_completed_by_a_rerun(stage: Stage, at_write: int) -> None:
    assert stage.killed(stage.promote, at_write)
    stage.assert_never_mixed()
    stage.promote()
    stage.assert_promoted()


@pytest.mark.promise(11)
@pytest.mark.parametrize("at_write", range(1, PROMOTION_WRITES + 1))
def test_promotion_killed_at_any_write_is_undone_by_a_rollback(stage: Stage, at_write: int) -> None:
    assert stage.killed(stage.promote, at_write)
    stage.roll_back()
    stage.assert_as_before()


@pytest.mark.promise(11)
@pytest.mark.promise(24)
@pytest.mark.parametrize("at_write", range(1, ROLLBACK_WRITES + 1))
def test_rollback_killed_at_any_write_is_completed_by_a_rerun(stage: Stage, at_write: int) -> None:
    stage.promote()
    assert stage.killed(stage.roll_back, at_write)
    stage.assert_never_mixed()
    stage.roll_back()
    stage.assert_as_before()


@pytest.mark.promise(11)
@pytest.mark.parametrize("seed", range(12))
def test_promotion_killed_at_a_random_moment_converges(stage: Stage, seed: int) -> None:
    chance = random.Random(seed)
    for _attempt in range(3):
        exit_code_of(stage.promote, kill_after_seconds=chance.uniform(0, 0.15))
        stage.assert_never_mixed()
    if chance.random() < 0.5:
        stage.promote()
        stage.assert_promoted()
    else:
        exit_code_of(stage.roll_back, kill_after_seconds=chance.uniform(0, 0.1))
        stage.assert_never_mixed()
        stage.roll_back()
        stage.assert_as_before()
