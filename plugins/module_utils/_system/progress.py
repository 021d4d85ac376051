"""Telling whoever watches how far the work is, and noticing when nobody is there any more."""

from __future__ import annotations

import json
import os
import select
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Callable

from .errors import LifeboatError

WRITE_INTERVAL_SECONDS = 1.0


@dataclass
class Progress:
    """How far a long step is. ``total_*`` are 0 where they are not known; ``process_id`` is who does it."""

    step: str = ""
    done_bytes: int = 0
    total_bytes: int = 0
    done_items: int = 0
    total_items: int = 0
    item_name: str = ""
    elapsed_seconds: float = 0.0
    remaining_seconds: float | None = None
    process_id: int = field(default_factory=os.getpid)


class ProgressReporter:
    """Writes the progress of a step to a file that the controller polls, and watches whether the caller still lives.

    Args:
        path: Where the progress goes as one JSON object, replaced atomically; None to write nothing.
        lease_seconds: How long the caller may leave ``<path>.lease`` untouched before it counts as gone; 0 for ever.
        clock: Monotonic seconds.
    """

    def __init__(
        self, path: Path | None = None, lease_seconds: float = 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._lease_path = Path(f"{path}.lease") if path else None
        self._lease_seconds = lease_seconds
        self._clock = clock
        self._started = clock()
        self._written = float("-inf")
        self.progress = Progress()

    def start(self, step: str, total_bytes: int = 0, total_items: int = 0) -> None:
        """Begin a step; its elapsed time and counters start at zero."""
        self.progress = Progress(step=step, total_bytes=total_bytes, total_items=total_items)
        self._started = self._clock()
        self._written = float("-inf")
        self.update()

    def update(
        self, done_bytes: int | None = None, done_items: int | None = None, item_name: str | None = None
    ) -> None:
        """Record how far the step is; cheap enough to be called for each statement.

        Raises:
            LifeboatError: ``caller_gone`` when whoever started the work no longer listens.
        """
        progress = self.progress
        progress.done_bytes = progress.done_bytes if done_bytes is None else done_bytes
        progress.done_items = progress.done_items if done_items is None else done_items
        progress.item_name = progress.item_name if item_name is None else item_name
        now = self._clock()
        if now - self._written < WRITE_INTERVAL_SECONDS:
            return
        self._written = now
        progress.elapsed_seconds = round(now - self._started, 1)
        progress.remaining_seconds = self._estimate_remaining_seconds()
        self._check_caller()
        if self._path is not None:
            temporary = self._path.with_name(self._path.name + ".new")
            temporary.write_text(json.dumps(asdict(progress)))
            temporary.replace(self._path)

    def _estimate_remaining_seconds(self) -> float | None:
        progress = self.progress
        if progress.total_bytes and progress.done_bytes:
            left = max(progress.total_bytes - progress.done_bytes, 0) / progress.done_bytes
        elif progress.total_items and progress.done_items:
            left = max(progress.total_items - progress.done_items, 0) / progress.done_items
        else:
            return None
        return round(progress.elapsed_seconds * left, 1)

    def _check_caller(self) -> None:
        if self._lease_path is not None and self._lease_seconds and self._lease_path.exists():
            gone = time.time() - self._lease_path.stat().st_mtime > self._lease_seconds
        else:
            gone = output_reader_is_gone(sys.__stdout__.fileno() if sys.__stdout__ else 1)
        if gone:
            raise LifeboatError(
                f"Gave up {self.progress.step}: whoever started it no longer listens. "
                "What it had built was removed; the live site was not touched. Run this again.",
                "caller_gone",
            )


def output_reader_is_gone(descriptor: int) -> bool:
    """Tell whether the reading end of an output pipe was closed: Linux then reports POLLERR on the writing end."""
    poller = select.poll()
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    poller.register(descriptor, 0)
    return any(event & select.POLLERR for _descriptor, event in poller.poll(0))
