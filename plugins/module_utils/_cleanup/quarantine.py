"""Where files wait before they are gone for good: in a folder beside them, on the same file system.

What lies there is known by the plan of its run alone: the n-th item is the file of that number. So nothing has to be
written while files are moved, and a run that was killed anywhere can be undone or left to expire.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from .._system.quantities import DAY_SECONDS

QUARANTINE_NAME = ".lifeboat-quarantine"
PLANS_NAME = "cleanup"
RUN_FORMAT = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True)
class Quarantine:
    """The place of one run's files."""

    run: str

    def names(self, index: int) -> tuple[str, str, str]:
        """Return the names below an item's root that lead to the item of this number."""
        return (QUARANTINE_NAME, self.run, str(index))


def run_id(now: float) -> str:
    """Return the id of a run that begins now."""
    return datetime.fromtimestamp(now, timezone.utc).strftime(RUN_FORMAT)


def is_expired(run: str, kept_at: float, now: float, grace_days: int) -> bool:
    """Tell whether the files of a run have waited for long enough since it began and since its plan was kept.

    A run from the future has not.
    """
    began = datetime.strptime(run, RUN_FORMAT).replace(tzinfo=timezone.utc)
    return now - max(began.timestamp(), kept_at) > grace_days * DAY_SECONDS


def plan_path(state_path: Path, run: str) -> Path:
    """Return where the plan of a run is kept while files of it are in quarantine."""
    return state_path / PLANS_NAME / f"{run}.json"
