"""Keeping the list of the files that go to quarantine, before the first of them goes."""

from __future__ import annotations

from pathlib import Path

from .._system.errors import LifeboatError
from .._system.files import make_private_folder, write_atomically
from .plan import CleanupPlan, encode_plan
from .quarantine import plan_path


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
