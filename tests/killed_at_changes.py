"""Work that is killed right before each change that it would make to a file system, one change further each time."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any, Callable

from tests.promotion_stage import exit_code_of

CHANGES = frozenset({"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def kills(prepare: Callable[[], None], work: Callable[[], Any]) -> Iterator[int]:
    """Yield the number of each change before which the work was killed, after it was; ends when it ended by itself.

    Args:
        prepare: Makes again what the work begins with, before each of its runs.
        work: Runs in a process of its own.
    """
    number = 0
    while True:
        number += 1
        prepare()
        exit_code = exit_code_of(lambda: _run(work, number))  # noqa: B023
        if exit_code == 0:
            return
        assert exit_code == -signal.SIGKILL, exit_code
        yield number


def _run(work: Callable[[], Any], number: int) -> None:
    changes = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal changes
        if event in CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING):
            changes += 1
            if changes == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    work()
