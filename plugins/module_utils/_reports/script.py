"""The program ``lifeboat-health``: the checks for a scheduler on the host itself, without Ansible."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from .._bench.layout import usable_interpreters
from .._checks.examination import benches_of
from .._checks.options import HealthOptions, read_options
from .._checks.targets.target import Surroundings
from .._mariadb.connection import HAS_PYMYSQL
from .._queue.connection import HAS_REDIS
from .._system.errors import LifeboatError
from .health import check_health

CONFIGURATION_PATH = "/etc/lifeboat/health.json"
EXIT_UNKNOWN = 3
# Set for the second start, under the Python of a bench, so that there is no third.
RESTARTED = "LIFEBOAT_HEALTH_RESTARTED"


def main(arguments: Sequence[str], output: TextIO, error_output: TextIO) -> int:
    """Check this host, print one line for Nagios, and return its exit code.

    Args:
        arguments: Those of the command line.
        output: Gets the line, or the whole result as JSON.
        error_output: Gets what could not be looked at or written.
    """
    given = _arguments(arguments)
    try:
        parameters = json.loads(Path(given.configuration).read_text())
        options = read_options(parameters)
        _prefer_libraries(options)
        result = check_health(options, Surroundings(), may_write=not given.only_look)
    except LifeboatError as error:
        output.write(f"LIFEBOAT UNKNOWN: {error.message}\n")
        return EXIT_UNKNOWN
    except (OSError, ValueError, TypeError, AttributeError) as error:
        # A text of the configuration may be a password: the class of the error has to do.
        output.write(f"LIFEBOAT UNKNOWN: {given.configuration} cannot be used: {type(error).__name__}\n")
        return EXIT_UNKNOWN
    for note in result["notes"]:
        error_output.write(f"{note}\n")
    output.write(json.dumps(result) if given.json else result["nagios"]["line"])
    output.write("\n")
    return int(result["nagios"]["exit_code"])


def _arguments(arguments: Sequence[str]) -> Any:
    parser = argparse.ArgumentParser(
        prog="lifeboat-health",
        description="Check this host. Prints one line for Nagios; exits with 0 ok, 1 warning, 2 critical, 3 unknown.",
    )
    parser.add_argument("--configuration", default=CONFIGURATION_PATH, help="the options of the checks, as JSON")
    parser.add_argument("--json", action="store_true", help="print the whole result as JSON instead")
    parser.add_argument("--only-look", action="store_true", help="write neither the history nor the metrics")
    return parser.parse_args(arguments)


def _prefer_libraries(options: HealthOptions) -> None:
    if (HAS_PYMYSQL and HAS_REDIS) or RESTARTED in os.environ:
        return
    for interpreter in usable_interpreters(benches_of(options)):
        # A timer runs this as root: what the bench's account may write must not become root's at the next tick.
        if Path(interpreter).parent.stat().st_uid not in (0, os.geteuid()):
            continue
        os.execve(interpreter, [interpreter, *sys.argv], {**os.environ, RESTARTED: "1"})  # noqa: S606
