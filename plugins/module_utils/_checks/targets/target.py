"""What all targets share: a name, the run's surroundings, and two samples of their counters."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from ..._backups.repository import REPOSITORY_PATH
from ..._bench.layout import ROOT
from ..._system.commands import CommandResult, CommandRunner, run_command
from ..findings import Acceptance
from ..history import History
from ..patience import USUAL, Patience
from ..rates import Rates, Sample
from ..registry import UnmeasurableError


@dataclass(frozen=True)
class Settings:
    """What the user said about a host that cannot be found out by looking.

    Attributes:
        backup_paths: Folders with backup sets besides the sites' own.
        expected_listeners: Ports that may listen on other than loopback addresses.
        tls_port: The port on which the sites are served with a certificate.
        offsite_paths: Folders (mounted, or written by a tool) in which each set must be found again.
        repository_path: Where the collection's own backup sets and archives of binary logs lie.
        escrowed_key_fingerprints: The first 12 hexadecimal digits of the SHA-256 of each key that is kept off the host.
    """

    backup_paths: tuple[str, ...] = ()
    expected_listeners: tuple[int, ...] = (22, 80, 443)
    tls_port: int = 443
    offsite_paths: tuple[str, ...] = ()
    escrowed_key_fingerprints: tuple[str, ...] = ()
    repository_path: str = REPOSITORY_PATH


@dataclass(frozen=True)
class Surroundings:
    """All I/O of the checks besides connections, and how long they wait for it: a test gives its own.

    Attributes:
        runner: Runs programs; None for those of this host.
    """

    root: Path = ROOT
    runner: CommandRunner | None = None
    patience: Patience = USUAL
    now: Callable[[], float] = time.time
    history: History = field(default_factory=History)
    settings: Settings = field(default_factory=Settings)
    state_path: Path = Path("/var/lib/lifeboat")
    acceptances: tuple[Acceptance, ...] = ()

    def run(self, arguments: Sequence[str]) -> CommandResult:
        """Run a program, as long as a check may wait for it; raises as ``run_command`` does."""
        if self.runner:
            return self.runner(arguments)
        return run_command(arguments, self.patience.wait_seconds)


class Target:
    """One thing that checks look at.

    Args:
        name: What names it in findings; the same in every run.
        surroundings: The I/O of this run.
    """

    def __init__(self, name: str, surroundings: Surroundings) -> None:
        self.name = name
        self.surroundings = surroundings
        self.samples: list[Sample] = []

    def read_sample(self) -> Sample | None:
        """Read the counters now; None for a target that has none. What it raises makes the sampled checks unknown."""
        return None

    @property
    def now_seconds(self) -> float:
        """The time now, as Unix time."""
        return self.surroundings.now()

    @property
    def rates(self) -> Rates:
        """What the counters did since the last run, or else between the two samples of this run.

        Raises:
            UnmeasurableError: There are no two samples.
        """
        if not self.samples:
            raise UnmeasurableError("the counters could not be read")
        after = self.samples[-1]
        earlier = self.surroundings.history.sample(self.name, after.at_seconds)
        if earlier is not None and not (rates := Rates(earlier, after)).is_over_a_restart:
            return rates
        if len(self.samples) > 1:
            return Rates(self.samples[0], after)
        raise UnmeasurableError("a rate needs two samples: set sample_seconds, or run again with a history")

    def close(self) -> None:
        """Give back what the target holds, as connections."""
