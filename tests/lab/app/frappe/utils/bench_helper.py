"""What ``bench worker --queue NAMES`` and ``bench schedule`` start."""

from __future__ import annotations

import argparse

from frappe.utils import background_jobs, scheduler


def main() -> None:
    """Run the command of the command line."""
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("schedule")
    commands.add_parser("worker").add_argument("--queue", required=True)
    arguments = parser.parse_args()
    if arguments.command == "worker":
        background_jobs.work(arguments.queue.split(","))
    else:
        scheduler.run()


if __name__ == "__main__":
    main()
