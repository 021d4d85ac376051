"""One service of a bench, and how to recognise it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .layout import Bench
from .processes import Process

RUNNING = "running"
STOPPED = "stopped"
OTHER_KIND = "other"

# What the words of a command line say about a service; the first line that has one of them decides. Gunicorn's children
# call themselves "gunicorn: worker", so the web server comes before the workers of the queue.
_KIND_WORDS = (
    ("web", {"gunicorn", "serve"}),
    ("redis", {"redis-server"}),
    ("socketio", {"socketio", "socketio.js"}),
    ("schedule", {"schedule"}),
    ("worker", {"worker", "worker-pool", "rq", "rqworker"}),
)
# Where only a name is known, as of a service that does not run: parts of the names that bench gives.
_KIND_NAME_PARTS = ("redis", "socketio", "schedule", "worker", "web")


@dataclass(frozen=True)
class Service:
    """A service of a bench.

    ``manager`` is supervisor, systemd, systemd-user, or process where nothing manages it; ``kind`` is web, worker,
    schedule, redis, socketio or other; ``state`` is running or stopped; ``pid`` is None where it does not run;
    ``queues`` are those that a worker was told to serve, in its order, none where it serves all of them.
    """

    name: str
    manager: str
    kind: str
    state: str
    pid: int | None
    queues: tuple[str, ...] = ()


def served_queues(arguments: Iterable[str]) -> tuple[str, ...]:
    """Return the queues that the command of a worker names: ``bench worker --queue short,default``."""
    words = [word for argument in arguments for word in argument.split()]
    for word, next_word in zip(words, [*words[1:], ""]):
        option, _equals, value = word.partition("=")
        if option == "--queue":
            return tuple(filter(None, (value or next_word).strip("\"'").split(",")))
    return ()


def service_kind(arguments: Iterable[str], name: str = "") -> str:
    """Tell what a service is for: by the words of its command line, or by its name where those do not tell."""
    words = {Path(word).name.partition(":")[0] for argument in arguments for word in argument.split()}
    for kind, telling_words in _KIND_WORDS:
        if words & telling_words:
            return kind
    return next((part for part in _KIND_NAME_PARTS if part in name), OTHER_KIND)


def is_inside(bench: Bench, place: Path | None) -> bool:
    """Tell whether a path lies in the bench."""
    return place is not None and place.is_relative_to(bench.path)


def names_bench(bench: Bench, command: Iterable[str]) -> bool:
    """Tell whether a word of a command is a path in the bench."""
    return any(is_inside(bench, Path(word)) for part in command for word in part.split())


def runs_in(bench: Bench, process: Process) -> bool:
    """Tell whether a process works in the bench, or runs something of it."""
    return is_inside(bench, process.working_directory) or names_bench(bench, process.arguments)
