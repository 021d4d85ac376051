"""The list of the files of each run that has some in quarantine: kept before the first of them goes."""

from __future__ import annotations

import socket
from pathlib import Path

from .._system.errors import LifeboatError
from .._system.files import make_private_folder, write_atomically
from .plan import CleanupPlan, decode_plan, digest, encode_plan
from .quarantine import PLANS_NAME, Quarantine, plan_path
from .removal import remove_empty_quarantine


def keep_plan(state_path: Path, plan: CleanupPlan) -> None:
    """Keep a plan while files of it are in quarantine.

    Raises:
        LifeboatError: ``disk_space`` when it cannot be written.
    """
    path = plan_path(state_path, plan.run)
    try:
        make_private_folder(path.parent)
        write_atomically(path, encode_plan(plan))
    except OSError as error:
        raise LifeboatError(
            f"Cannot move files to quarantine: their list cannot be written to {path.parent} ({error.strerror}). "
            "Nothing was taken away. Where the disk is full, run this without quarantine, which frees it at once.",
            "disk_space",
            {"path": str(path)},
        ) from error


def read_kept_plan(state_path: Path, run: str) -> CleanupPlan:
    """Return the plan of a run that has files in quarantine.

    Raises:
        LifeboatError: ``cleanup_unknown``, or ``plan_refused`` where it is not of this host.
    """
    try:
        content = plan_path(state_path, run).read_bytes()
    except FileNotFoundError:
        kept = ", ".join(kept_runs(state_path)) or "none"
        raise LifeboatError(
            f"Cannot find the files of the cleanup {run} in quarantine: it moved none there, or they were put back or "
            f"have expired. Runs with files in quarantine: {kept}.",
            "cleanup_unknown",
        ) from None
    return decode_plan(content, digest(content), socket.gethostname())


def kept_runs(state_path: Path) -> dict[str, float]:
    """Return the runs with files in quarantine, oldest first, and when the plan of each was kept."""
    folder = state_path / PLANS_NAME
    paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
    return {path.stem: path.stat().st_mtime for path in paths}


def forget_plan(state_path: Path, plan: CleanupPlan, quarantine: Quarantine) -> bool:
    """Forget a run, and tell whether none of its files is left; else its plan stays, which is the way to them."""
    roots = {Path(item.root) for item in plan.items}
    left = [root for root in roots if not remove_empty_quarantine(root, quarantine)]
    if not left:
        plan_path(state_path, plan.run).unlink()
    return not left
