"""Imported by every Python of a measured run: the modules that Ansible starts write down what they cost.

A line of JSON for each, at its end, into the file that LIFEBOAT_BENCHMARK_COSTS names: CPU seconds (with those of the
programs that it ran), seconds, and the peak of its memory in KiB.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import sys
import time


def write_cost(path: str, began: float) -> None:
    """Append this process's line; one write of a short line to a file that is appended to is whole."""
    times = os.times()
    cpu_seconds = times.user + times.system + times.children_user + times.children_system
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = json.dumps({"cpu_seconds": cpu_seconds, "seconds": time.monotonic() - began, "peak_kib": peak_kib})
    with open(path, "a", encoding="utf-8") as costs:  # noqa: PTH123 (importing pathlib would be a cost of its own)
        costs.write(line + "\n")


# Ansible itself keeps the variable for the modules that it starts; those take it away from what they start.
if not any(argument.endswith("ansible-playbook") for argument in sys.orig_argv[:3]):
    named = os.environ.pop("LIFEBOAT_BENCHMARK_COSTS", "")
    if named:
        atexit.register(write_cost, named, time.monotonic())
