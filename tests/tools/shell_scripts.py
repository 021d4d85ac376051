"""Run shellcheck over every shell script, known by its name or its first line."""

from __future__ import annotations

import subprocess
import sys

from tests.tools.checkout import ROOT, tracked_files


def main() -> int:
    """Give shellcheck's exit code, which is not zero when it found anything."""
    scripts = []
    for name in tracked_files():
        with (ROOT / name).open("rb") as stream:
            first_line = stream.readline(80)
        if name.suffix == ".sh" or (first_line.startswith(b"#!") and first_line.rstrip().endswith((b"bash", b"/sh"))):
            scripts.append(str(name))
    return subprocess.run(["shellcheck", *scripts], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
