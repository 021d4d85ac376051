"""What a rule takes away by other means than files: rows, keys, jobs, and what other programs look after."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Callable, Union

from .._bench.layout import ROOT, Bench
from .._system.commands import CommandRunner, run_command
from .._system.errors import LifeboatError
from .pace import stop_path

DONE, GONE, OUT_OF_TIME, BUSY, REFUSED, STOPPED = "done", "gone", "out of time", "busy", "refused", "stopped"


@dataclass(frozen=True)
class Task:
    """One piece of work of a rule, as the plan lists it.

    Attributes:
        rule: The rule that wants it.
        subject: What loses something, for people: a table, a registry, an instance.
        count: How many things go.
        bytes: About how many bytes they take.
        age_seconds: From which age things go; 0 where age is not what decides.
        reason: Why they may go, for people.
        parameters: JSON values by which the rule finds them again; no secret, no row.
        folder: Where they lie on a disk that gets their bytes back; "" where none does, or which is not known.
    """

    rule: str
    subject: str
    count: int
    bytes: int
    age_seconds: int
    reason: str
    parameters: Mapping[str, Any]
    folder: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Task:
        """Read what ``as_dict`` returned; raises ``KeyError``, ``TypeError`` or ``ValueError`` on anything else."""
        return cls(**{**values, "parameters": dict(values["parameters"])})


@dataclass(frozen=True)
class Refusal:
    """Something that a rule could not look at or must not touch, and why."""

    rule: str
    subject: str
    error_code: str
    reason: str


@dataclass(frozen=True)
class Note:
    """Something that a rule tells and leaves as it is: how many things, how many bytes, and what about them."""

    rule: str
    subject: str
    count: int
    bytes: int
    text: str


@dataclass(frozen=True)
class TaskOutcome:
    """What became of a task.

    Attributes:
        outcome: How it ended, by the constants of this module.
        count: How many things went.
        bytes: About how many bytes they took.
        error: What ended it before its time, after some of it was done.
        run: The run with which files that it moved to quarantine are put back; "" where it moved none.
    """

    outcome: str
    count: int = 0
    bytes: int = 0
    error: LifeboatError | None = None
    run: str = ""


@dataclass(frozen=True)
class TaskContext:
    """All I/O of the tasks: a test gives its own.

    Attributes:
        benches: The benches of the host.
        state_path: The folder of the collection's state.
        now: Seconds since the epoch.
        root: The folder that stands for ``/``.
        run: Runs programs.
        clock: Tells seconds that never go back.
        pause: Waits for some seconds.
        protected: Shell patterns of whole paths that never go.
    """

    benches: Sequence[Bench]
    state_path: Path
    now: float
    root: Path = ROOT
    run: CommandRunner = run_command
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    protected: tuple[str, ...] = ()

    def why_over(self, deadline: float) -> str:
        """Return why nothing more is to go: the time is over, or somebody asked for an end; "" to go on.

        Args:
            deadline: The time of the clock at which to stop.
        """
        if stop_path(self.state_path).exists():
            return STOPPED
        return OUT_OF_TIME if self.clock() > deadline else ""


Planned = Union[Task, Refusal, Note]


@dataclass(frozen=True)
class TaskRule:
    """A class of things that nobody needs after some time, and the means of their own by which they go.

    Attributes:
        id: The stable name, as in the options.
        noun: What goes, one of them.
        title: What it is about, for people.
        never_touches: What it leaves alone, for the documentation.
        settings: Reads the settings of the options; raises ``ValueError`` with what is wrong.
        plan: Says what would go, with those settings. Reads only.
        apply: Looks at a task's things again and takes them away until the clock of the context reaches the deadline.
            Raises ``LifeboatError`` where it must not.
    """

    id: str
    noun: str
    title: str
    never_touches: str
    settings: Callable[[Mapping[str, Any]], Any]
    plan: Callable[[TaskContext, Any], Iterable[Planned]]
    apply: Callable[[TaskContext, Task, float], TaskOutcome]


@dataclass
class TasksDone:
    """What became of the tasks of a run; ``expected_bytes`` is what disks should have got back."""

    outcomes: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    expected_bytes: int = 0
