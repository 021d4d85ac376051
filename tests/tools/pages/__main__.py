"""Write every file that is generated from the code; with --check, print how they differ instead.

``python -m tests.tools.pages`` is what `make docs-write` runs, with --check the gate `docs-drift`.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.tools.checkout import ROOT

from . import alert_rules, checks, dashboard, error_codes, known_errors, thresholds

PAGES: dict[Path, Callable[[], str]] = {
    ROOT / "docs" / "checks.md": checks.page,
    ROOT / "docs" / "error_codes.md": error_codes.page,
    ROOT / "docs" / "known_errors.md": known_errors.page,
    ROOT / "extensions" / "monitoring" / "grafana_dashboard.json": dashboard.page,
    ROOT / "extensions" / "monitoring" / "prometheus_rules.yml": alert_rules.page,
    thresholds.SPEC: thresholds.page,
}


def difference(path: Path, text: str) -> Iterator[str]:
    """Say how a file differs from what it should be, as a unified diff."""
    present = path.read_text() if path.exists() else ""
    return difflib.unified_diff(
        present.splitlines(), text.splitlines(), str(path.relative_to(ROOT)), "generated", lineterm=""
    )


def main() -> int:
    """Write all files, or check them all."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.pages", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is not up to date")
    if parser.parse_args().check:
        lines = [line for path, page in PAGES.items() for line in difference(path, page())]
        print("\n".join(lines))
        return 1 if lines else 0
    for path, page in PAGES.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
