"""How long a recovery will take: from what the last ones took, else from a measured default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

REPLAY = "replay"

DEFAULT_BYTES_PER_SECOND = {
    "staging_database": 20e6,  # SQL bytes on two cores, proof included; make benchmark prints the present figure
    REPLAY: 50e6,
    "staging_files": 100e6,
}
FIXED_SECONDS = {
    REPLAY: 5.0,
    "staging_database": 5.0,
    "staging_files": 1.0,
    "site_promotion": 5.0,
    "site_verification": 5.0,
}
RECORDS_CONSIDERED = 5


@dataclass(frozen=True)
class StepEstimate:
    """How long one step will take."""

    name: str
    estimate_seconds: float


def estimate_steps(
    records: Iterable[Mapping[str, Any]], sql_bytes: int, files_bytes: int, replayed_bytes: int | None = None
) -> tuple[StepEstimate, ...]:
    """Estimate each step that takes time.

    Args:
        records: What changing modules recorded, oldest first: ``module``, ``bytes``, ``seconds``.
        sql_bytes: The size of the dump, decompressed.
        files_bytes: The size of the file archives.
        replayed_bytes: The size of the binary logs that are replayed; None where none are.
    """
    measured = list(records)
    work_bytes = {"staging_database": sql_bytes, "staging_files": files_bytes, REPLAY: replayed_bytes or 0}
    return tuple(
        StepEstimate(name, round(fixed + work_bytes.get(name, 0) / _bytes_per_second(measured, name), 1))
        for name, fixed in FIXED_SECONDS.items()
        if name != REPLAY or replayed_bytes is not None
    )


def _bytes_per_second(records: Iterable[Mapping[str, Any]], module: str) -> float:
    rates: list[float] = [
        record["bytes"] / record["seconds"]
        for record in records
        if record.get("module") == module and record.get("bytes") and record.get("seconds")
    ]
    if not rates:
        return DEFAULT_BYTES_PER_SECOND.get(module, 1.0)
    return median(rates[-RECORDS_CONSIDERED:])
