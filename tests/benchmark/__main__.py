"""``python -m tests.benchmark [--part ...]``: one run, a table and its targets for each part."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable

from . import backup, cleanup, health, replay, restore
from .measure import FOLDER


def in_a_clean_folder(measure: Callable[[], bool]) -> bool:
    """Measure a part with nothing left of another, and leave nothing."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        return measure()
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)


def main() -> int:
    """Run the parts, print what they found, and return 0 when every target was reached."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    choices = ("all", "restore", "backup", "replay", "health", "cleanup")
    parser.add_argument("--part", choices=choices, default="all", help="what to measure (all)")
    parser.add_argument(
        "--size", type=int, default=1024, help="megabytes of SQL of a site; less is a smoke test (1024)"
    )
    parser.add_argument("--hosts", type=int, default=100, help="health: hosts with one module call (100)")
    parser.add_argument("--contender-hosts", type=int, default=10, help="health: hosts with a task for each check (10)")
    parser.add_argument("--fleet", type=int, default=1000, help="health: hosts whose reports are rendered (1000)")
    parser.add_argument("--files", type=int, default=1_000_000, help="cleanup: files that the plan looks at (1000000)")
    parser.add_argument("--removed-files", type=int, default=20_000, help="cleanup: files that go (20000)")
    parser.add_argument(
        "--contender-files", type=int, default=500, help="cleanup: files that find and file take away (500)"
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="cleanup: old rows of a table of logs (1000000)")
    arguments = parser.parse_args()
    parts = {
        "restore": lambda: restore.run(arguments.size),
        "backup": lambda: backup.run(arguments.size),
        "replay": lambda: replay.run(arguments.size),
        "health": lambda: health.run(arguments.hosts, arguments.contender_hosts, arguments.fleet),
        "cleanup": lambda: cleanup.run(
            arguments.files, arguments.removed_files, arguments.contender_files, arguments.rows
        ),
    }
    chosen = parts if arguments.part == "all" else (arguments.part,)
    reached = [in_a_clean_folder(parts[name]) for name in chosen]
    return 0 if all(reached) else 1


sys.exit(main())
