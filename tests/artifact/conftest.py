"""The tarball as it would be published, and what is left of it after a sparing installation."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.tools.checkout import COLLECTION_FOLDER, staged_copy
from tests.tools.playbook_runs import run_ansible

USED_FOLDERS = {"meta", "playbooks", "plugins", "roles"}


def build(folder: Path) -> Path:
    """Build the collection from what git tracks."""
    with staged_copy() as tree:
        run = run_ansible(["ansible-galaxy", "collection", "build", "--output-path", folder], cwd=tree)
    assert run.exit_code == 0, run.output
    assert not run.complaints
    return next(folder.glob("lifeboat-frappe-*.tar.gz"))


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built collection."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def installed(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of collections in which ours has only the folders that a collection may rely on."""
    folder = tmp_path_factory.mktemp("installed")
    run = run_ansible(
        ["ansible-galaxy", "collection", "install", "--offline", tarball, "--collections-path", folder],
        collections_path=folder,
        cwd=folder,
    )
    assert run.exit_code == 0, run.output
    for path in (folder / COLLECTION_FOLDER).iterdir():
        if path.name not in USED_FOLDERS:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return folder
