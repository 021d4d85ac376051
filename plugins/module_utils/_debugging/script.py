"""The program ``lifeboat-debug``, which the timer runs on the host itself, without Ansible and its controller."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from .._system.errors import LifeboatError
from .end import Surroundings
from .run import run_tick
from .state import StateFiles


def main(arguments: Sequence[str], output: TextIO, error_output: TextIO, around: Surroundings | None = None) -> int:
    """End debug mode where its time is over; return 1 where something has to be tried again.

    Args:
        arguments: Those of the command line.
        output: Gets nothing: a line each minute would fill the journal.
        error_output: Gets what could not be done.
        around: The I/O; None for that of this host.
    """
    del output
    parser = argparse.ArgumentParser(
        prog="lifeboat-debug", description="End debug mode where its time is over. The timer runs this each minute."
    )
    parser.add_argument("--state-path", default="/var/lib/lifeboat", help="where the collection keeps its state")
    files = StateFiles(Path(parser.parse_args(arguments).state_path))
    try:
        errors = run_tick(files, around or Surroundings())
    except LifeboatError as refusal:
        errors = [refusal]
    for error in errors:
        error_output.write(f"{error.message}\n")
    return 1 if errors else 0
