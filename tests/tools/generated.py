"""Files that are generated from the code: write them, or check that they still say what the code says."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path


def write_or_check(path: Path, text: str) -> int:
    """Write a generated file; with --check, print how it differs instead, and return 1 where it does."""
    if sys.argv[1:] != ["--check"]:
        path.write_text(text)
        return 0
    present = path.read_text() if path.exists() else ""
    difference = list(
        difflib.unified_diff(present.splitlines(), text.splitlines(), str(path), "generated", lineterm="")
    )
    print("\n".join(difference))
    return 1 if difference else 0
