"""The steps of a backup and what each took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable


class Steps:
    """Notes each step that was done; ``done`` is what the record and the result show.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.done: list[dict[str, Any]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Do one step; one that fails is not noted."""
        started = self._clock()
        yield
        self.end(name, self._clock() - started)

    def end(self, name: str, seconds: float) -> None:
        """Note a step that was done."""
        self.done.append({"name": name, "seconds": round(seconds, 3)})
