"""Images go by podman, exactly those of the plan: rules/container_images, on a storage of its own."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.catalogue import TASK_RULES
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.planning import CleanupRequest, make_plan
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.run import run_clean
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult, run_command

from tests.cleanup_runs import request_of

NOW = time.time()
DAY_SECONDS = 86400
PODMAN = shutil.which("podman")


class Podman:
    """Podman with a storage of its own."""

    def __init__(self, folder: Path, run_folder: Path) -> None:
        self.root = folder
        storage = folder / "var" / "lib" / "containers" / "storage"
        self.command = [str(PODMAN), "--root", str(storage), "--runroot", str(run_folder), "--storage-driver=vfs"]
        program = folder / "bin" / "podman"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\nexec {" ".join(self.command)} "$@"\n')
        program.chmod(0o755)

    def __call__(self, *arguments: str, text: str = "") -> str:
        """Run it and return what it printed."""
        done = subprocess.run([*self.command, *arguments], input=text, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def build(self, age_days: float, *, name: str = "", label: str = "") -> str:
        """Build an image of one small file and return its id."""
        context = self.root / "context"
        context.mkdir(exist_ok=True)
        content = context / "content"
        content.write_text(f"{age_days} {name} {label}")
        text = f"FROM scratch\nCOPY {content.name} /x\n" + f"LABEL {label}\n" * bool(label)
        options = ["--quiet", f"--timestamp={int(NOW - age_days * DAY_SECONDS)}", "--squash", "--file=-"]
        return self("build", *options, *(["--tag", name] if name else []), str(context), text=text)

    def images(self) -> set[str]:
        """Return the ids of all images."""
        return {line.rpartition(":")[2] for line in self("image", "ls", "--all", "--quiet", "--no-trunc").split()}

    def request(self, **settings: Any) -> CleanupRequest:
        """Return the request of a cleanup."""
        return request_of(self.root, [], {"container_images": settings}, now=NOW)

    def clean(self, plan: Any = None, **settings: Any) -> dict[str, Any]:
        """Clean up."""
        return run_clean(self.request(**settings), plan, check_mode=False)


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Podman]:
    if PODMAN is None:
        pytest.skip("podman is not installed: its images cannot be cleaned up")
    with tempfile.TemporaryDirectory(prefix="podman-") as run_folder:  # whose path is 50 characters long at most
        podman = Podman(tmp_path, Path(run_folder))
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        yield podman
        podman("rm", "--all", "--force")


@pytest.mark.promise(25)
def test_old_images_go_once_and_those_that_somebody_needs_stay(podman: Podman) -> None:
    old = podman.build(20)
    used = podman.build(21)
    podman("create", used, "/x")
    kept = {used, podman.build(3), podman.build(22, label="keep=yes"), podman.build(23, name="release:1")}
    late = podman.build(24)
    plan = make_plan(podman.request())
    (task,) = plan.tasks
    assert set(task.parameters["images"]) == {old, late}
    assert "Images: " in task.reason
    assert task.bytes > 0
    assert plan.disks, "what the disk gets back is known"
    podman("create", late, "/x")  # somebody needs it after all
    later = podman.build(25)
    assert [(task["outcome"], task["count"]) for task in podman.clean(plan)["tasks"]] == [("done", 1)]
    assert podman.images() == kept | {late, later}
    assert podman.clean(unused=True)["tasks"][0]["count"] == 2, "the one that has a name among them"
    assert not podman.clean(unused=True)["changed"]


@pytest.mark.promise(11)
def test_killed_cleanup_is_completed_by_the_next(podman: Podman) -> None:
    for age_days in (20, 21, 22):
        podman.build(age_days)
    request = podman.request()
    (task,) = make_plan(request).tasks

    def run(arguments: Sequence[str]) -> CommandResult:
        if "rm" in arguments and len(podman.images()) < len(task.parameters["images"]):
            os.kill(os.getpid(), signal.SIGKILL)
        return run_command(arguments)

    def clean() -> None:
        TASK_RULES["container_images"].apply(replace(request.context, run=run), task, 1e12)

    process = multiprocessing.get_context("fork").Process(target=clean)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert len(podman.images()) == 2
    assert podman.clean()["tasks"][0]["count"] == 2
    assert podman.images() == set()
