"""The phases of a drill, each measured."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Callable

VERIFY, FETCH, LOAD, REPLAY, FILES, PROVE, CLEANUP = "verify", "fetch", "load", "replay", "files", "prove", "cleanup"
# What a recovery does as well; the proofs of a drill go beyond it, and nobody waits for its cleaning up.
OF_A_RECOVERY = (VERIFY, FETCH, LOAD, REPLAY, FILES)
DONE, FAILED = "done", "failed"

OnPhase = Callable[[str, str], None]


@dataclass
class Phase:
    """One phase: how long it took and how much it worked on. ``bytes`` is None where it was not known."""

    name: str
    seconds: float = 0.0
    bytes: int | None = None
    outcome: str = FAILED

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


class Phases:
    """Measures phases in the order in which they ran.

    Args:
        on_phase: Called with the phase and ``begin``, ``done`` or ``failed``.
        clock: Monotonic seconds.
    """

    def __init__(self, on_phase: OnPhase, clock: Callable[[], float] = time.monotonic) -> None:
        self._on_phase = on_phase
        self._clock = clock
        self.measured: list[Phase] = []

    @contextmanager
    def run(self, name: str) -> Iterator[Phase]:
        """Measure the body as a phase; it may set ``bytes`` on what it gets."""
        phase = Phase(name)
        self.measured.append(phase)
        self._on_phase(name, "begin")
        started = self._clock()
        try:
            yield phase
            phase.outcome = DONE
        finally:
            phase.seconds = round(self._clock() - started, 3)
            self._on_phase(name, phase.outcome)

    def seconds(self, *names: str) -> float:
        """Return how long some phases took together; those that did not run took no time."""
        return round(sum(phase.seconds for phase in self.measured if phase.name in names), 3)
