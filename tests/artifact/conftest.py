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
def installed_whole(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of collections in which ours is as it was installed."""
    folder = tmp_path_factory.mktemp("whole")
    run = run_ansible(
        ["ansible-galaxy", "collection", "install", "--offline", tarball, "--collections-path", folder],
        collections_path=folder,
        cwd=folder,
    )
    assert run.exit_code == 0, run.output
    return folder


@pytest.fixture(scope="session")
def installed(installed_whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of collections in which ours has only the folders that a collection may rely on."""
    folder = tmp_path_factory.mktemp("installed")
    for name in USED_FOLDERS:
        shutil.copytree(installed_whole / COLLECTION_FOLDER / name, folder / COLLECTION_FOLDER / name)
    return folder
