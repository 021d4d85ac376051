"""Combine what the unit and the integration tests covered, and hold lines and branches each above the floor."""

from __future__ import annotations

import json
import sys

from coverage import Coverage

from tests.tools.checkout import CACHE, ROOT

FLOOR_PERCENT = 95.0
MEASURED = CACHE / "coverage"
PARTS = ("unit", "integration")


def main() -> int:
    """Print each file that misses something, then the totals; not zero when one of them is below the floor."""
    parts = [MEASURED / part for part in PARTS]
    if absent := [part.name for part in parts if not part.exists()]:
        print(f"Nothing was measured by: {', '.join(absent)}. Run those gates first.")
        return 1
    combined = Coverage(data_file=str(MEASURED / "combined"), config_file=str(ROOT / "pyproject.toml"))
    combined.combine([str(part) for part in parts], keep=True)
    combined.report()
    combined.json_report(outfile=str(MEASURED / "combined.json"))
    totals = json.loads((MEASURED / "combined.json").read_text())["totals"]
    lines = 100 * totals["covered_lines"] / totals["num_statements"]
    branches = 100 * totals["covered_branches"] / totals["num_branches"]
    print(f"lines {lines:.1f} %, branches {branches:.1f} %, floor of each {FLOOR_PERCENT:.0f} %")
    return 1 if min(lines, branches) < FLOOR_PERCENT else 0


if __name__ == "__main__":
    sys.exit(main())
