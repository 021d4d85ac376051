from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.staging_files import (
    FilesRequest,
    bring_to_state,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter
from ansible_collections.lifeboat.frappe.plugins.modules import staging_files

from tests.modules import run_module
from tests.site_to_recover import LIVE_FILES, SiteToRecover

PUBLIC = {f"folder{number}/file": bytes([number]) * 50_000 for number in range(20)}
STAGED = {f"public/files/{name}": content for name, content in PUBLIC.items()}
STEPS = ["staging_files", "staging_files.extract", "staging_files.prove"]


@pytest.fixture
def site(tmp_path, mariadb_server, database):
    return SiteToRecover(tmp_path, mariadb_server.login, database, PUBLIC, {})


def run_killed(site: SiteToRecover, step: str, event: str, at_bytes: int = -1) -> None:
    """Stage files in a child that kills itself after that entry of the journal, or after so many bytes."""

    def die(*entry: str) -> None:
        if entry == (step, event):
            os.kill(os.getpid(), signal.SIGKILL)

    class Dying(ProgressReporter):
        def update(self, done_bytes=None, *_others, **_named):
            if 0 <= at_bytes <= (done_bytes or 0):
                os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        journal = Journal(site.journal.folder, die)
        request = FilesRequest(site.site, site.state_path, journal, site.login)
        bring_to_state(request, True, False, Dying())
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"the child was not killed at {step} {event}"


@pytest.mark.promise(11)
@pytest.mark.parametrize(
    ("step", "event", "at_bytes"),
    [(step, event, -1) for step in STEPS for event in ("begin", "done")] + [("", "", 500_000)],
)
def test_a_killed_staging_is_done_again_and_converges(site, step, event, at_bytes):
    run_killed(site, step, event, at_bytes)
    assert site.live_files() == LIVE_FILES
    result = run_module(staging_files, **site.options)
    assert not result["failed"], result
    assert result["changed"] is ((step, event) != ("staging_files", "done"))
    assert site.staged_files() == STAGED
    assert result["proof"]["matched"] == len(PUBLIC)
    assert not run_module(staging_files, **site.options)["changed"]
    assert site.live_files() == LIVE_FILES


@pytest.fixture
def small_file_system(tmp_path: Path) -> Iterator[Path]:
    """A file system with 1 MiB, where this machine lets tests mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("NOT TESTED: a full disk needs root, to mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.promise(10)
@pytest.mark.parametrize("planned_honestly", [True, False])
def test_a_full_disk_leaves_the_live_files_and_nothing_else(
    small_file_system, tmp_path, mariadb_server, database, planned_honestly
):
    whole = {f"file{number}": bytes(100_000) for number in range(20)}
    site = SiteToRecover(tmp_path, mariadb_server.login, database, whole, {})
    small_sites = small_file_system / "sites"
    site.bench.sites_path.rename(tmp_path / "large")
    site.bench.sites_path.symlink_to(small_sites)
    subprocess.run(["cp", "-a", str(tmp_path / "large"), str(small_sites)], check=True)
    if not planned_honestly:
        plan = site.journal.plan()
        plan["set"]["files"] = {kind: {"files": 0, "bytes": 0} for kind in plan["set"]["files"]}
        site.journal.append("site_recovery", "again", plan=plan)
    result = run_module(staging_files, **site.options)
    assert result["error_code"] == "disk_space"
    assert not (site.site.path / ".lifeboat").exists()
    assert site.live_files() == LIVE_FILES
