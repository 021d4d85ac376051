"""What a cleanup costs: its plan against ``find -printf``, its run against find and file, and the pruning of rows."""

from __future__ import annotations

from .cleanup_files import compare_playbooks, measure_plan
from .cleanup_rows import compare_prunings
from .measure import FOLDER, print_targets


def run(files: int, playbook_files: int, contender_files: int, rows: int) -> bool:
    """Measure everything, print the tables, and tell whether every target was reached.

    Args:
        files: How many files the plan looks at.
        playbook_files: How many files our playbook takes away.
        contender_files: From how many the time of the other playbook for so many is worked out.
        rows: How many old rows a table has.
    """
    FOLDER.mkdir(parents=True)
    targets = [*measure_plan(files), *compare_playbooks(playbook_files, contender_files), *compare_prunings(rows)]
    return print_targets(tuple(targets))
