"""How long a recovery will take: from what the last recoveries and drills took, else from a measured default. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from .._backups.manifest import LOGICAL, PHYSICAL
from .work import RecoveryWork

DATABASE, FILES, REPLAY = "staging_database", "staging_files", "replay"
# On two cores, proof included, for each way of loading a database; make benchmark prints the present figures.
DEFAULT_BYTES_PER_SECOND = {
    (DATABASE, LOGICAL): 20e6,
    (DATABASE, PHYSICAL): 100e6,
    (FILES, ""): 100e6,
    (REPLAY, ""): 50e6,
}
FIXED_SECONDS = {
    REPLAY: 5.0,
    DATABASE: 5.0,
    FILES: 1.0,
    "site_promotion": 5.0,
    "site_verification": 5.0,
}
RECORDS_CONSIDERED = 5
# How the phases of a drill are called as steps of a recovery.
STEPS_OF_PHASES = {"load": DATABASE, "files": FILES, REPLAY: REPLAY}
REPLAY_STEP = f"{DATABASE}.{REPLAY}"


@dataclass(frozen=True)
class StepEstimate:
    """How long one step will take."""

    name: str
    estimate_seconds: float


def estimate_steps(
    records: Iterable[Mapping[str, Any]], drills: Iterable[Mapping[str, Any]], work: RecoveryWork
) -> tuple[StepEstimate, ...]:
    """Estimate each step that takes time.

    Args:
        records: What changing modules and recoveries recorded, oldest first.
        drills: The records of the site's drills, oldest first; they count where there are too few recoveries.
        work: What there is to do.
    """
    rates: dict[tuple[str, str], list[float]] = {}
    for step, kind, size_bytes, seconds in (*_of_drills(drills), *_of_recoveries(records)):
        if size_bytes and seconds:
            rates.setdefault((step, kind), []).append(size_bytes / seconds)

    def seconds_of(step: str, kind: str, size_bytes: int) -> float:
        known = rates.get((step, kind))
        rate = median(known[-RECORDS_CONSIDERED:]) if known else DEFAULT_BYTES_PER_SECOND[step, kind]
        return size_bytes / rate

    variable = {
        DATABASE: seconds_of(DATABASE, work.kind, work.loaded_bytes),
        FILES: seconds_of(FILES, "", work.files_bytes),
        REPLAY: seconds_of(REPLAY, "", work.replayed_bytes or 0),
    }
    return tuple(
        StepEstimate(name, round(fixed + variable.get(name, 0.0), 1))
        for name, fixed in FIXED_SECONDS.items()
        if name != REPLAY or work.replayed_bytes is not None
    )


def _of_recoveries(records: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield step, kind, bytes and seconds. A load with a replay in it tells nothing about loads."""
    for record in records:
        module = record.get("module")
        if module == DATABASE:
            yield DATABASE, str(record.get("kind", LOGICAL)), record.get("bytes"), record.get("seconds")
        elif module == FILES:
            yield FILES, "", record.get("bytes"), record.get("seconds")
        else:
            for step in record.get("steps") or ():
                if step["name"] == REPLAY_STEP:
                    yield REPLAY, "", step["bytes"], step["seconds"]


def _of_drills(drills: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, Any, Any]]:
    for drill in drills:
        kind = str(drill["kind"]).partition("+")[0]
        for phase in drill["phases"]:
            step = STEPS_OF_PHASES.get(phase["name"])
            if step and phase["outcome"] == "done":
                yield step, kind if step == DATABASE else "", phase["bytes"], phase["seconds"]
