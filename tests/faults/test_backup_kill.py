"""A backup that is killed at each of its steps: the set before it is untouched, and the next run is whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.artifact_file import ArtifactFile
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.steps import Steps

from tests.lab.lab import Lab
from tests.lab.processes import wait_until
from tests.promotion_stage import exit_code_of
from tests.site_backups import SiteBackups, leave_tables

SITE = "alpha.localhost"
KEPT_TABLES = {"__Auth", "tabDefaultValue", "tabError Log", "tabToDo"}
STEPS = ("begin", "configuration", "database", "files", "private-files", "proof", "manifest", "name", "chain")
# Those that differ where the tables are copied as files and the dump is made from a server of our own.
STEPS_WITH_TABLES = ("tables", "import", "database", "tablespaces")
# From here on the set is whole and proven, and it has its name.
NAMED = ("name", "chain")


@pytest.fixture(scope="module")
def small_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("killed-backups")
    with Lab(folder / "lab", services=False, sites=(SITE,)) as lab:
        leave_tables(lab, SITE, KEPT_TABLES)
        yield lab
    shutil.rmtree(folder)


@pytest.fixture
def backups(small_lab: Lab, tmp_path: Path) -> SiteBackups:
    return SiteBackups(small_lab, SITE, tmp_path)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_after(backups: SiteBackups, step: str, **options: Any) -> bool:
    """Back up in a process that is killed right after a step; tell whether it was."""

    def child() -> None:
        end = Steps.end

        def end_and_die(steps: Steps, name: str, seconds: float) -> None:
            end(steps, name, seconds)
            if name == step:
                die()

        Steps.end = end_and_die  # type: ignore[method-assign]
        backups.run(**options)

    return exit_code_of(child) == -signal.SIGKILL


def works_in(folder: Path) -> list[str]:
    """Return the command lines of processes that name a folder."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes().decode(errors="replace"))
    return [line for line in lines if str(folder) in line]


def test_every_step_is_injected(backups: SiteBackups) -> None:
    assert tuple(step["name"] for step in backups.back_up()["steps"]) == STEPS
    steps = tuple(step["name"] for step in backups.back_up(kinds=["logical", "physical"])["steps"])
    at = STEPS.index("database")
    assert steps == (*STEPS[:at], *STEPS_WITH_TABLES, *STEPS[at + 1 :])


@pytest.mark.promise(11)
@pytest.mark.promise(25)
@pytest.mark.parametrize("step", STEPS)
def test_a_backup_killed_after_a_step(backups: SiteBackups, step: str) -> None:
    backups.back_up()
    names, digests = backups.names(), backups.digests()
    assert killed_after(backups, step)
    after = backups.names()
    assert after[: len(names)] == names
    assert len(after) - len(names) == (step in NAMED)
    assert digests.items() <= backups.digests().items()
    made = backups.back_up()["set"]
    assert backups.names() == [*after, made["name"]]
    assert made["previous"] == after[-1]
    assert digests.items() <= backups.digests().items()
    backups.assert_nothing_is_left()


@pytest.mark.promise(11)
@pytest.mark.promise(25)
@pytest.mark.parametrize("step", STEPS_WITH_TABLES)
def test_a_backup_of_tables_killed_after_a_step(backups: SiteBackups, step: str) -> None:
    backups.back_up()
    names, digests = backups.names(), backups.digests()
    assert killed_after(backups, step, kinds=["logical", "physical"])
    assert backups.names() == names
    wait_until(lambda: not works_in(backups.site_folder), "the end of the servers that the backup had started")
    backups.back_up()
    assert digests.items() <= backups.digests().items()
    backups.assert_nothing_is_left()


@pytest.mark.promise(11)
@pytest.mark.parametrize("encryption", ["none", "gpg"])
@pytest.mark.parametrize("kind", ["site_config", "database", "files", "private_files"])
def test_a_backup_killed_in_the_middle_of_a_file(backups: SiteBackups, kind: str, encryption: str) -> None:
    backups.back_up()
    names, digests = backups.names(), backups.digests()

    def child() -> None:
        store = ArtifactFile._store

        def store_and_die(artifact: ArtifactFile, content: bytes) -> None:
            store(artifact, content)
            if artifact.described.kind == kind:
                die()

        ArtifactFile._store = store_and_die  # type: ignore[method-assign]
        backups.run(encryption=encryption, encryption_key="a passphrase")

    assert exit_code_of(child) == -signal.SIGKILL
    assert backups.names() == names
    backups.back_up()
    assert digests.items() <= backups.digests().items()
    backups.assert_nothing_is_left()
