"""What earlier runs on this host saw: small files, from which growth, time to full and regressions come."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .._system.files import make_private_folder, write_json_atomically
from .._system.json_lines import append_json_line, read_json_lines
from .findings import Finding
from .rates import Sample

HISTORY_NAME = "health.jsonl"
SAMPLES_NAME = "health_samples.json"
# A run of two sites writes about 8 KiB. Two generations are kept and read at each run: at least four days of runs every
# ten minutes, or a month of hourly ones, in some 25 MiB of memory.
HISTORY_LIMIT_BYTES = 4 * 1024 * 1024
# Counters of a run that is longer ago say nothing about now.
SAMPLE_LIFETIME_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Point:
    """A value at a moment, in Unix time."""

    at_seconds: float
    value: float


class History:
    """What a host remembers. Its keys are those of findings: ``id|target|item``.

    Args:
        runs: Oldest first; each has ``at_seconds``, ``values`` and ``facts``.
        samples: The last sample of each target, by the target's name.
    """

    def __init__(self, runs: Sequence[Mapping[str, Any]] = (), samples: Mapping[str, Sample] | None = None) -> None:
        self._runs = runs
        self._samples = samples or {}

    def points(self, check_id: str, target: str, item: str = "") -> list[Point]:
        """Return the values that a check saw in earlier runs, oldest first."""
        key = f"{check_id}|{target}|{item}"
        return [Point(run["at_seconds"], run["values"][key]) for run in self._runs if key in run.get("values", {})]

    def fact(self, check_id: str, target: str, item: str = "") -> str:
        """Return the last fact that a check left, or an empty text."""
        key = f"{check_id}|{target}|{item}"
        return next((run["facts"][key] for run in reversed(self._runs) if key in run.get("facts", {})), "")

    def sample(self, target: str, now_seconds: float) -> Sample | None:
        """Return the last run's sample of a target, unless it is too old to compare with."""
        sample = self._samples.get(target)
        if sample is None or not 0 <= now_seconds - sample.at_seconds <= SAMPLE_LIFETIME_SECONDS:
            return None
        return sample


def read_history(state_path: Path) -> History:
    """Read what a host remembers; what was never kept, or cannot be read, is simply not known."""
    runs: list[dict[str, Any]] = []
    samples: dict[str, Sample] = {}
    with suppress(OSError):
        runs = [run for run in read_json_lines(state_path / HISTORY_NAME) if _is_run(run)]
    with suppress(OSError, ValueError, TypeError, AttributeError):
        kept = json.loads((state_path / SAMPLES_NAME).read_text())
        samples = {name: Sample(**sample) for name, sample in kept.items()}
    return History(runs, samples)


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
        "at_seconds": round(at_seconds, 3),
        "values": {finding.key: finding.value for finding in findings if finding.value is not None},
        "facts": {finding.key: finding.fact for finding in findings if finding.fact},
    }
    make_private_folder(state_path)
    append_json_line(state_path / HISTORY_NAME, run, HISTORY_LIMIT_BYTES)
    write_json_atomically(state_path / SAMPLES_NAME, {name: asdict(sample) for name, sample in samples.items()})


def _is_run(record: dict[str, Any]) -> bool:
    return (
        isinstance(record.get("at_seconds"), (int, float))
        and isinstance(record.get("values"), dict)
        and isinstance(record.get("facts"), dict)
    )
