"""The host itself: its kernel's numbers, mounts, processes and services."""

from __future__ import annotations

from pathlib import Path

from ..rates import Sample
from .target import Target

HOST_NAME = "host"


class Host(Target):
    """The host on which the checks run."""

    def path(self, absolute: str) -> Path:
        """Return where a path of the host lies below the root that stands for ``/``."""
        return self.surroundings.root / absolute.lstrip("/")

    def read_sample(self) -> Sample | None:
        """Read the kernel's counters."""
        raise NotImplementedError
