"""How large the next chunk is, and when to pause."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import pace
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.pace import (
    CHUNK_SECONDS,
    MOST_ROWS,
    Load,
    gentle_runner,
    io_pressure_percent,
    next_rows,
    wait_for_disk,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


@pytest.mark.parametrize(
    ("rows", "seconds", "wanted"),
    [(100, 0.0, 200), (100, 0.25, 100), (1000, 0.5, 500), (4, 30.0, 1), (MOST_ROWS, 0.01, MOST_ROWS), (100, 0.2, 125)],
    ids=["fast", "right", "slow", "very slow", "large", "nearly"],
)
def test_chunks_adapt_to_their_time(rows: int, seconds: float, wanted: int) -> None:
    assert next_rows(rows, seconds) == wanted


def test_chunks_of_a_table_of_any_speed_settle_below_the_longest() -> None:
    for seconds_per_row in (0.00001, 0.001, 0.02):
        rows = pace.FIRST_ROWS
        for _turn in range(30):
            rows = next_rows(rows, rows * seconds_per_row)
        assert rows * seconds_per_row <= CHUNK_SECONDS
        assert rows > 5


class Server:
    """Answers what ``fetch_all`` asks."""

    def __init__(self, threads: int = 1, waits: int = 0) -> None:
        self.threads, self.waits = threads, waits
        self.position = ""

    def answer(self, statement: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        if "Threads_running" in statement:
            return [("Threads_running", str(self.threads))]
        if "gtid_binlog_pos" in statement:
            return [("0-1-7",)]
        self.position = arguments[0]
        return [(self.waits,)]


@pytest.fixture(autouse=True)
def answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch_all(server: Server, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return server.answer(statement, arguments)

    monkeypatch.setattr(pace, "fetch_all", fetch_all)


def load(server: Server, *replicas: Server, root: Path) -> Load:
    return Load(server, replicas, root)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("threads", "busy", "overloaded"), [(25, False, False), (26, True, False), (50, True, False), (51, True, True)]
)
def test_threads_make_it_pause_and_give_up(threads: int, busy: bool, overloaded: bool, tmp_path: Path) -> None:
    found = load(Server(threads), root=tmp_path)
    assert (found.is_busy(), found.is_overloaded()) == (busy, overloaded)


def test_replica_that_does_not_follow_makes_it_pause(tmp_path: Path) -> None:
    follows, behind = Server(), Server(waits=-1)
    assert not load(Server(), follows, root=tmp_path).is_busy()
    assert follows.position == "0-1-7"
    assert load(Server(), follows, behind, root=tmp_path).is_busy()


def test_pressure_of_the_disk_makes_it_pause(tmp_path: Path) -> None:
    assert io_pressure_percent(tmp_path) == 0
    (tmp_path / "proc" / "pressure").mkdir(parents=True)
    for text, busy in (("some avg10=20.00 avg60=0.00", False), ("some avg10=21.50 avg60=0.00", True), ("", False)):
        (tmp_path / "proc" / "pressure" / "io").write_text(text)
        assert load(Server(), root=tmp_path).is_busy() == busy


def test_files_wait_for_the_disk_but_not_longer_than_the_run_may_take(tmp_path: Path) -> None:
    pressure = tmp_path / "proc" / "pressure" / "io"
    pressure.parent.mkdir(parents=True)
    pressure.write_text("some avg10=20.5 avg60=0.00 avg300=0.00 total=1\n")
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            pressure.write_text("some avg10=19.5 avg60=0.00 avg300=0.00 total=1\n")

    wait_for_disk(tmp_path, 100.0, lambda: float(len(waited)), pause)
    assert len(waited) == 3
    pressure.write_text("some avg10=99.0 avg60=0.00 avg300=0.00 total=1\n")
    wait_for_disk(tmp_path, 9.0, lambda: float(len(waited)), pause)
    assert len(waited) == 9
    wait_for_disk(tmp_path / "no pressure is told", 100.0, lambda: 0.0, pause)
    assert len(waited) == 9


def test_programs_run_at_the_lowest_priority_and_end_in_time() -> None:
    assert gentle_runner(60)(["nice"]).output == "19\n"
    with pytest.raises(LifeboatError, match="/nowhere: it is not installed"):
        gentle_runner(60)(["/nowhere"])
    with pytest.raises(LifeboatError, match=r"did not end within 0\.05 seconds"):
        gentle_runner(0.05)(["sleep", "60"])
