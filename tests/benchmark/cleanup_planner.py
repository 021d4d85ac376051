"""``python -m tests.benchmark.cleanup_planner BENCH STATE``: the plan of a cleanup in a process of its own.

Prints the module's seconds, the peak of its memory in KiB and how many files may go, as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from ansible_collections.lifeboat.frappe.plugins.modules import cleanup

from tests.modules import run_module

RULES = {"site_logs": {"keep_newest": 5}}


def main() -> None:
    """Plan by the module, in check mode."""
    bench_path, state_path = sys.argv[1:]
    began = time.monotonic()
    planned = run_module(cleanup, check_mode=True, bench_path=bench_path, state_path=state_path, rules=RULES)
    seconds = time.monotonic() - began
    found = planned["rules"]["site_logs"]
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "peak_kib": peak_kib, "files": found["items"] + found["left_items"]}))


if __name__ == "__main__":
    main()
