"""What counters did between two samples, so that nothing is judged by its average since the server's start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .registry import UnmeasurableError

# A shorter time between two samples makes a rate of noise.
LEAST_SECONDS = 0.5
# A start is worked out from an uptime in whole seconds, so two samples of the same run disagree a little.
START_TOLERANCE_SECONDS = 5.0


@dataclass(frozen=True)
class Sample:
    """Counters of one target at one moment.

    Both times are Unix time; ``started_at_seconds`` is the counters' own start: a boot, a server's start.
    """

    at_seconds: float
    started_at_seconds: float
    counters: Mapping[str, float]


@dataclass(frozen=True)
class Rates:
    """The difference of two samples of the same target."""

    before: Sample
    after: Sample

    @property
    def seconds(self) -> float:
        """The time between the samples."""
        return self.after.at_seconds - self.before.at_seconds

    @property
    def is_over_a_restart(self) -> bool:
        """Whether the counters began anew between the samples."""
        return abs(self.after.started_at_seconds - self.before.started_at_seconds) > START_TOLERANCE_SECONDS

    def increase(self, name: str) -> float:
        """Return by how much a counter grew.

        Raises:
            UnmeasurableError: The counter is missing, was reset, or the samples are too close together.
        """
        if name not in self.before.counters or name not in self.after.counters:
            raise UnmeasurableError(f"the counter {name} is not there")
        if self.seconds < LEAST_SECONDS:
            raise UnmeasurableError("a rate needs two samples: set sample_seconds, or run again with a history")
        growth = self.after.counters[name] - self.before.counters[name]
        if self.is_over_a_restart or growth < 0:
            raise UnmeasurableError(f"the counter {name} was reset between the two samples")
        return growth

    def per_second(self, name: str) -> float:
        """Return by how much a counter grew in a second; raises as ``increase`` does."""
        return self.increase(name) / self.seconds

    def share(self, part: str, whole: str) -> float:
        """Return the growth of one counter in percent of the growth of another; 0 where that did not grow."""
        total = self.increase(whole)
        return 100 * self.increase(part) / total if total else 0.0
