"""What earlier runs on this host saw: a small file, from which growth, time to full and regressions come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._system.files import make_private_folder
from .._system.json_lines import append_json_line, read_json_lines
from .findings import Finding
from .rates import Sample

HISTORY_NAME = "health.jsonl"
# A run of two sites writes about 8 KiB: a month of runs every ten minutes fits, in two generations.
HISTORY_LIMIT_BYTES = 16 * 1024 * 1024
# Counters of a run that is longer ago say nothing about now.
SAMPLE_LIFETIME_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Point:
    """A value at a moment, in Unix time."""

    at_seconds: float
    value: float


class History:
    """The runs that a host remembers, oldest first. Its keys are those of findings: ``id|target|item``."""

    def __init__(self, runs: Sequence[dict[str, Any]] = ()) -> None:
        self._runs = runs

    def points(self, check_id: str, target: str, item: str = "") -> list[Point]:
        """Return the values that a check saw in earlier runs, oldest first."""
        key = f"{check_id}|{target}|{item}"
        found = ((run.get("at_seconds", 0.0), run.get("values", {}).get(key)) for run in self._runs)
        return [Point(at_seconds, value) for at_seconds, value in found if value is not None]

    def fact(self, check_id: str, target: str, item: str = "") -> str:
        """Return the last fact that a check left, or an empty text."""
        key = f"{check_id}|{target}|{item}"
        return next((run["facts"][key] for run in reversed(self._runs) if key in run.get("facts", {})), "")

    def sample(self, target: str, now_seconds: float) -> Sample | None:
        """Return the last run's sample of a target, unless it is too old to compare with."""
        for run in reversed(self._runs):
            if now_seconds - run.get("at_seconds", 0.0) > SAMPLE_LIFETIME_SECONDS:
                return None
            found = run.get("samples", {}).get(target)
            if found is not None:
                return Sample(found["at_seconds"], found["started_at_seconds"], found["counters"])
        return None


def read_history(state_path: Path) -> History:
    """Read what a host remembers; none where nothing was kept or it cannot be read."""
    try:
        return History(read_json_lines(state_path / HISTORY_NAME))
    except OSError:
        return History()


def remember_run(state_path: Path, at_seconds: float, findings: Iterable[Finding], samples: dict[str, Sample]) -> None:
    """Add a run to the history.

    Args:
        state_path: The folder of the collection's state; it is made where it is missing.
        at_seconds: When the run began, in Unix time.
        findings: What it found.
        samples: The last sample of each target, by the target's name.
    """
    findings = list(findings)
    run = {
        "at_seconds": at_seconds,
        "values": {finding.key: finding.value for finding in findings if finding.value is not None},
        "facts": {finding.key: finding.fact for finding in findings if finding.fact},
        "samples": {
            name: {
                "at_seconds": sample.at_seconds,
                "started_at_seconds": sample.started_at_seconds,
                "counters": dict(sample.counters),
            }
            for name, sample in samples.items()
        },
    }
    make_private_folder(state_path)
    append_json_line(state_path / HISTORY_NAME, run, HISTORY_LIMIT_BYTES)
