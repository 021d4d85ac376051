"""Running the collection's playbooks on a lab, as a user does: as a command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from .lab import Lab

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = "inventories/lab"


def run_playbook(
    lab: Lab, playbook: str, *arguments: str, output: IO[bytes] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a playbook of the collection from the checkout, and return how it ended.

    Args:
        lab: The lab; one that is not ``.lab`` of the checkout is pointed at by extra variables.
        playbook: Its name in the collection.
        arguments: Further arguments, for instance ``-e site=alpha.localhost``.
        output: Where its output goes, or None for this process's own.
    """
    command = [playbook, "-i", INVENTORY, *arguments]
    if lab.folder != ROOT / ".lab":
        command += ["-e", json.dumps(lab.variables)]
    return subprocess.run(
        [Path(sys.prefix, "bin", "ansible-playbook"), *command],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache" / "collections")},
        stdout=output,
        stderr=output,
        check=False,
    )
