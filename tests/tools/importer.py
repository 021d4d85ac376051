"""Put the built tarball through galaxy-importer, whose complaints are only logged unless somebody reads them.

Its ansible-lint is off: the gate of that name looks at the same roles and playbooks, by stricter rules.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.tools.checkout import ROOT, staged_copy

COMPLAINT = re.compile(r"^(?:WARNING|ERROR)\b.*", re.MULTILINE)


def main() -> int:
    """Build, import, and fail on anything that the importer complains of."""
    with tempfile.TemporaryDirectory(prefix="lifeboat-importer-") as folder:
        with staged_copy() as tree:
            build = ["ansible-galaxy", "collection", "build", "--output-path", folder]
            subprocess.run(build, cwd=tree, check=True, stdout=subprocess.DEVNULL)
        tarball = next(Path(folder).glob("*.tar.gz"))
        environment = {
            **os.environ,
            "GALAXY_IMPORTER_CONFIG": str(ROOT / "tests" / "galaxy-importer.cfg"),
        }
        command = [sys.executable, "-m", "galaxy_importer.main", str(tarball)]
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    print(done.stdout)
    complaints = COMPLAINT.findall(done.stdout)
    print(*complaints, sep="\n")
    return 1 if complaints or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
