"""A host that is made of files and of a few programs' answers, for what this machine cannot show."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import HOST_NAME, Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.check_runs import run_one

NOW_SECONDS = 2_000_000_000.0
UP_SECONDS = 100_000.0
GIB = 2**30


class FakeHost:
    """A host with one disk, without a single program.

    Args:
        root: An empty folder that stands for ``/``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._answers: dict[str, tuple[int, str, str] | LifeboatError] = {}
        self.commands: list[list[str]] = []
        self.write("/proc/self/mountinfo", "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n")
        self.write(
            "/proc/stat", f"cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1\ncpu1 1\nbtime {NOW_SECONDS - UP_SECONDS:.0f}\n"
        )
        self.write("/proc/vmstat", "nr_free_pages 5\noom_kill 0\n")
        self.surroundings = Surroundings(root=root, runner=self.run, now=lambda: NOW_SECONDS)

    def write(self, absolute: str, text: str, age_seconds: float | None = None) -> Path:
        """Write a file of the host; give it an age where that matters."""
        path = self.root / absolute.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if age_seconds is not None:
            os.utime(path, (NOW_SECONDS - age_seconds, NOW_SECONDS - age_seconds))
        return path

    def process(self, pid: int, *arguments: str, cwd: str = "/", **files: str) -> Path:
        """Let a program run; ``files`` are further files of its folder in /proc, as ``cgroup``."""
        folder = self.write(f"/proc/{pid}/cmdline", "\0".join([*arguments, ""])).parent
        # It started 1,000 seconds after the boot.
        (folder / "stat").write_text(f"{pid} (x) S 1 " + "0 " * 17 + "100000 0")
        (folder / "cwd").symlink_to(cwd)
        for name, text in files.items():
            (folder / name).write_text(text)
        return folder

    def answer(self, program: str, output: str = "", exit_code: int = 0, error_output: str = "") -> None:
        """Let a program be installed that always answers so."""
        self._answers[program] = (exit_code, output, error_output)

    def hang(self, program: str) -> None:
        """Let a program be installed that never answers."""
        self._answers[program] = LifeboatError(f"Cannot wait for {program}: it did not end.", "command_failed")

    def run(self, arguments: Sequence[str]) -> CommandResult:
        """Stand for the runner of programs."""
        self.commands.append(list(arguments))
        answer = self._answers.get(Path(arguments[0]).name)
        if answer is None:
            raise LifeboatError(f"Cannot run {arguments[0]}: it is not installed.", "command_missing")
        if isinstance(answer, LifeboatError):
            raise answer
        return CommandResult(tuple(arguments), *answer)

    def target(self, **changes: Any) -> Host:
        """Return the target of this host; ``changes`` are fields of ``Surroundings``."""
        return Host(HOST_NAME, replace(self.surroundings, **changes))

    def findings(self, check_id: str, target: Host | None = None, **changes: Any) -> dict[str, Finding]:
        """Run one check, without a second sample; return its findings by item."""
        found = run_one(check_id, target or self.target(**changes), sample_seconds=0)
        return {finding.item: finding for finding in found}
