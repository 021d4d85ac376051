"""Run Ansible as a person does, apart from whatever is set up around the tests, and hold its output to a standard."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tools.checkout import COLLECTIONS_PATH, ROOT, VENV, tool_environment

COMPLAINT = re.compile(r"^\s*\[(?:DEPRECATION )?WARNING\].*", re.MULTILINE)
LOCAL_HOST = f"localhost ansible_connection=local ansible_python_interpreter={VENV / 'bin' / 'python'}\n"


@dataclass(frozen=True)
class Run:
    """What a run printed and how it ended."""

    exit_code: int
    output: str

    @property
    def complaints(self) -> list[str]:
        """Every warning and deprecation that was printed: no run of ours may have one."""
        return COMPLAINT.findall(self.output)

    def changed_tasks(self, host: str = "localhost") -> int:
        """How many tasks changed something on a host, from the recap."""
        counted = re.search(rf"^{re.escape(host)}\s*:.*\bchanged=(\d+)", self.output, re.MULTILINE)
        assert counted, self.output
        return int(counted[1])


def run_ansible(command: Sequence[str | Path], collections_path: Path = COLLECTIONS_PATH, cwd: Path = ROOT) -> Run:
    """Run one of Ansible's commands with the collection from a folder and nothing else from outside.

    Args:
        command: The program and its arguments.
        collections_path: The folder that holds `ansible_collections/lifeboat/frappe`.
        cwd: Where to run; the checkout's ansible.cfg applies in the checkout only.
    """
    # A shell says in PWD where it is.
    environment = {**tool_environment(), "ANSIBLE_COLLECTIONS_PATH": str(collections_path), "PWD": str(cwd)}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Run(done.returncode, done.stdout)


def run_playbook(
    playbook: str | Path,
    inventory: str | Path,
    extra_vars: Mapping[str, Any] | None = None,
    arguments: Sequence[str] = (),
    collections_path: Path = COLLECTIONS_PATH,
    cwd: Path = ROOT,
) -> Run:
    """Run a playbook by its path or by its name in the collection."""
    variables = ["--extra-vars", json.dumps(dict(extra_vars))] if extra_vars else []
    command = ["ansible-playbook", playbook, "--inventory", inventory, *variables, *arguments]
    return run_ansible(command, collections_path, cwd)
