"""Where the checkout is, how its tools are called, and how a clean copy of it is made. Standard library only."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv"
COLLECTIONS_PATH = CACHE / "collections"
COLLECTION_FOLDER = Path("ansible_collections", "lifeboat", "frappe")
GATE_HOME = CACHE / "home"
# What every Python of a gate runs at its start.
STARTUP = Path(__file__).parent / "startup"


def link_collection() -> None:
    """Make the checkout, whatever its folder is called, readable as the collection `lifeboat.frappe`.

    The link is relative: it stays right when the checkout moves.
    """
    link = COLLECTIONS_PATH / COLLECTION_FOLDER
    target = os.path.relpath(ROOT, link.parent)
    if link.is_symlink() and str(link.readlink()) == target:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name(f"{link.name}.{os.getpid()}")
    fresh.symlink_to(target, target_is_directory=True)
    fresh.replace(link)


def tool_environment() -> dict[str, str]:
    """Give the environment of every tool: the virtual environment first, the collection found, nothing of the user's.

    Ansible's own home lies in the checkout, so that no older copy of the collection in the user's home is ever read.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    path = [str(VENV / "bin"), os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"]
    return {
        **inherited,
        "PATH": os.pathsep.join(path),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(STARTUP), os.environ.get("PYTHONPATH")])),
        "VIRTUAL_ENV": str(VENV),
        "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1",
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS_PATH),
        "ANSIBLE_HOME": str(CACHE / "ansible"),
        "LIFEBOAT_PAYLOADS": str(CACHE / "payloads" / plugins_digest()),
        "ANSIBLE_INJECT_FACT_VARS": "false",
    }


@cache
def plugins_digest() -> str:
    """Tell the plugins apart from every other state of theirs: what Ansible packs of them is kept by it."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        digest.update(f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def tracked_files() -> list[Path]:
    """List what git tracks or would track, sorted; what was deleted and not yet committed is left out."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    names = sorted(set(filter(None, listing.split("\0"))))
    return [Path(name) for name in names if (ROOT / name).is_file()]


@contextlib.contextmanager
def staged_copy() -> Iterator[Path]:
    """Copy what git tracks or would track to `<temporary>/ansible_collections/lifeboat/frappe`, for tools that insist.

    ansible-test wants that path, and a build must not pick up what merely lies around in the checkout.
    """
    with tempfile.TemporaryDirectory(prefix="lifeboat-stage-") as folder:
        tree = Path(folder) / COLLECTION_FOLDER
        for name in tracked_files():
            target = tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        yield tree
