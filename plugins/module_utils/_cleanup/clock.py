"""A clock that is ahead makes every file look old: nothing is taken away by such a clock."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .._system.errors import LifeboatError
from .._system.quantities import DAY_SECONDS

# Something is written there all the time, on every host that runs a bench.
WITNESSES = (Path("/run"), Path("/var/log"), Path("/var/lib/systemd/timesync"), Path("/var/lib/mysql"))
LIMIT_SECONDS = 2 * DAY_SECONDS


def refuse_clock_ahead(now: float, witnesses: Iterable[Path] = WITNESSES) -> None:
    """Refuse to judge ages while the clock is days ahead of everything that was written on this host.

    Args:
        now: Seconds since the epoch.
        witnesses: Folders in which something is written all the time.

    Raises:
        LifeboatError: ``clock_ahead``.
    """
    newest = max((modified for folder in witnesses for modified in _changes(folder)), default=now)
    if now - newest > LIMIT_SECONDS:
        raise LifeboatError(
            f"Refused to judge what is old: the clock is {(now - newest) / DAY_SECONDS:.1f} days ahead of the newest "
            f"file in {', '.join(str(folder) for folder in witnesses)}. Nothing was taken away. Set the clock and run "
            "this again.",
            "clock_ahead",
        )


def _changes(folder: Path) -> Iterable[float]:
    with suppress(OSError):
        yield folder.stat().st_mtime
        for entry in folder.iterdir():
            with suppress(OSError):
                yield entry.lstat().st_mtime
