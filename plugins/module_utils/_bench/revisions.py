"""Which commit and branch the apps of a bench are at, read from their repositories without git."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .layout import Bench

_HEAD_OF_BRANCH = "ref: "
_BRANCHES = "refs/heads/"


@dataclass(frozen=True)
class Revision:
    """What an app's repository is at; both are "" where the app has none, the branch also where none is checked out."""

    commit: str
    branch: str


def app_revision(bench: Bench, app: str) -> Revision:
    """Return the commit and the branch of an app (gitrepository-layout(5): HEAD, loose and packed references)."""
    repository = bench.apps_path / app / ".git"
    head = _text(repository / "HEAD").strip()
    if not head.startswith(_HEAD_OF_BRANCH):
        return Revision(head, "")
    reference = head[len(_HEAD_OF_BRANCH) :]
    commit = _text(repository / reference).strip() or _packed(repository, reference)
    return Revision(commit, reference[len(_BRANCHES) :] if reference.startswith(_BRANCHES) else "")


def _packed(repository: Path, reference: str) -> str:
    lines = _text(repository / "packed-refs").splitlines()
    return next((line.split(" ")[0] for line in lines if line.endswith(f" {reference}")), "")


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
