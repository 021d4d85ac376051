"""``python -m tests.benchmark [--part restore|health]``: one run, a table and its targets for each part."""

from __future__ import annotations

import argparse
import shutil
import sys

from . import health, restore
from .measure import FOLDER


def main() -> int:
    """Run the parts, print what they found, and return 0 when every target was reached."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    parser.add_argument("--part", choices=("all", "restore", "health"), default="all", help="what to measure (all)")
    parser.add_argument("--size", type=int, default=1024, help="restore: megabytes of SQL; less is a smoke test (1024)")
    parser.add_argument("--hosts", type=int, default=100, help="health: hosts with one module call (100)")
    parser.add_argument("--contender-hosts", type=int, default=10, help="health: hosts with a task for each check (10)")
    parser.add_argument("--fleet", type=int, default=1000, help="health: hosts whose reports are rendered (1000)")
    arguments = parser.parse_args()
    reached = True
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        if arguments.part in ("all", "restore"):
            reached &= restore.run(arguments.size)
        if arguments.part in ("all", "health"):
            reached &= health.run(arguments.hosts, arguments.contender_hosts, arguments.fleet)
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
    return 0 if reached else 1


sys.exit(main())
