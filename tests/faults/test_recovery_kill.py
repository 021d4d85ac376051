"""A whole recovery that is killed at every write of its journal, and is run again or given up."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal

from tests.lab.lab import Lab
from tests.promotion_stage import exit_code_of
from tests.small_site import leave_few_tables
from tests.whole_recovery import Content, Traces, WholeRecovery

SITE = "alpha.localhost"
STAGING = (
    "recovery begin",
    "staging_database named",
    "staging_database begin",
    "staging_database.create begin",
    "staging_database.create done",
    "staging_database.load begin",
    "staging_database.load done",
    "staging_database.prove begin",
    "staging_database.prove done",
    "staging_database done",
    "staging_files begin",
    "staging_files.extract begin",
    "staging_files.extract done",
    "staging_files.prove begin",
    "staging_files.prove done",
    "staging_files done",
)
PROMOTION = (
    "promote begin",
    "promote.folders begin",
    "promote.folders done",
    "promote.intent done",
    "promote.drain begin",
    "promote.drain done",
    "promote.account begin",
    "promote.account done",
    "promote.data begin",
    "promote.data done",
    "promote.maintenance begin",
    "promote.maintenance done",
    "promote.fence begin",
    "promote.fence done",
    "promote.files begin",
    "promote.files done",
    "promote.configuration begin",
    "promote.configuration done",
    "promote.reload begin",
    "promote.reload done",
    "promote.cache begin",
    "promote.cache done",
    "promote done",
)
RECORD = "recovery done"
EXPIRY = ("retire begin", "retire done")


@dataclass(frozen=True)
class Moment:
    """Right after an entry is on the disk, or right before: then its work is done and nothing says so."""

    entry: str
    is_before: bool

    def __str__(self) -> str:
        """Name the case of a test."""
        return f"{'before' if self.is_before else 'after'} {self.entry}"


def moments(entries: tuple[str, ...]) -> list[Moment]:
    """Nothing happens between an entry and the `begin` that follows it, so that is one moment."""
    return [
        Moment(entry, is_before)
        for entry in entries
        for is_before in (True, False)
        if not (is_before and entry.endswith(" begin"))
    ]


class Recoveries:
    """Recovers one small site again and again from the same set."""

    def __init__(self, lab: Lab, state_path: Path) -> None:
        self.lab = lab
        self.recovery = WholeRecovery(lab, SITE, state_path)
        leave_few_tables(lab, SITE)
        lab.backup(SITE)
        self.of_the_set: Content = self.recovery.live().content

    @property
    def of_one_site(self) -> Traces:
        """What is there when nothing is staged or kept."""
        database = self.lab.site_config(SITE)["db_name"]
        return Traces({database}, {database, "mariadb.sys", "root"}, [])

    def damage(self) -> None:
        """Make the live site differ from the set, in a table and in the files of both trees."""
        with closing(self.lab.connect(SITE)) as connection:
            execute(connection, "REPLACE INTO tabToDo (name, description) VALUES ('of the old site', 'live')")
        for tree in ("public", "private"):
            (self.lab.site_path(SITE) / tree / "files" / "of the old site.txt").write_text("live")

    def killed(self, moment: Moment) -> bool:
        """Recover in a process that is killed at a moment; tell whether it was."""

        def child() -> None:
            append = Journal.append

            def append_and_die(journal: Journal, step: str, event: str, **facts: Any) -> None:
                is_here = moment.entry == f"{step} {event}"
                if is_here and moment.is_before:
                    os.kill(os.getpid(), signal.SIGKILL)
                append(journal, step, event, **facts)
                if is_here:
                    os.kill(os.getpid(), signal.SIGKILL)

            Journal.append = append_and_die  # type: ignore[method-assign]
            self.recovery.run(again=True)

        return exit_code_of(child) == -signal.SIGKILL

    def newest(self) -> Journal:
        """The journal of the recovery that was begun last."""
        folders = (self.recovery.state_path / SITE).glob("*/journal.jsonl")
        return Journal(max(folders, key=lambda path: path.stat().st_mtime_ns).parent)


@pytest.fixture(scope="module")
def recoveries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recoveries]:
    folder = tmp_path_factory.mktemp("killed-recoveries")
    with Lab(folder / "lab", services=False, sites=(SITE,)) as lab:
        yield Recoveries(lab, folder / "state")
    shutil.rmtree(folder)


def test_every_write_of_a_recovery_is_injected(recoveries: Recoveries, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    append = Journal.append

    def note(journal: Journal, step: str, event: str, **facts: Any) -> None:
        written.append(f"{step} {event}")
        append(journal, step, event, **facts)

    monkeypatch.setattr(Journal, "append", note)
    recoveries.recovery.run(again=True)
    assert tuple(written) == (*STAGING, *PROMOTION, RECORD, *EXPIRY)


@pytest.mark.promise(11)
@pytest.mark.parametrize("moment", [*moments(STAGING + PROMOTION), Moment(RECORD, is_before=True)], ids=str)
def test_a_killed_recovery_that_is_run_again_leads_to_the_new_site(recoveries: Recoveries, moment: Moment) -> None:
    recoveries.damage()
    old = recoveries.recovery.live()
    assert old.content != recoveries.of_the_set
    assert recoveries.killed(moment)
    if moment.entry in STAGING:
        assert recoveries.recovery.live() == old
    recoveries.recovery.run()
    new = recoveries.recovery.live()
    assert new.content == recoveries.of_the_set
    assert new.configuration != old.configuration
    assert recoveries.recovery.traces() == recoveries.of_one_site
    assert recoveries.recovery.run() == {}


@pytest.mark.promise(11)
@pytest.mark.promise(25)
@pytest.mark.parametrize("moment", [Moment(RECORD, is_before=False), *moments(EXPIRY)], ids=str)
def test_a_recovery_killed_after_its_record_is_finished(recoveries: Recoveries, moment: Moment) -> None:
    recoveries.damage()
    assert recoveries.killed(moment)
    new = recoveries.recovery.live()
    assert new.content == recoveries.of_the_set
    assert recoveries.recovery.run() == {}
    assert recoveries.recovery.live() == new
    recoveries.recovery.expire()
    assert recoveries.recovery.traces() == recoveries.of_one_site


@pytest.mark.promise(11)
@pytest.mark.parametrize("moment", moments(STAGING), ids=str)
def test_a_killed_recovery_that_is_given_up_leaves_the_old_site(recoveries: Recoveries, moment: Moment) -> None:
    recoveries.damage()
    old = recoveries.recovery.live()
    assert recoveries.killed(moment)
    recoveries.recovery.abandon(recoveries.newest().recovery)
    assert recoveries.recovery.live() == old
    assert recoveries.recovery.traces() == recoveries.of_one_site


@pytest.mark.promise(11)
@pytest.mark.promise(24)
@pytest.mark.parametrize("moment", moments(PROMOTION), ids=str)
def test_a_killed_promotion_that_is_rolled_back_leaves_the_old_site(recoveries: Recoveries, moment: Moment) -> None:
    recoveries.damage()
    old = recoveries.recovery.live()
    assert recoveries.killed(moment)
    recoveries.recovery.roll_back(recoveries.newest().recovery)
    assert recoveries.recovery.live() == old
    assert recoveries.recovery.traces() == recoveries.of_one_site
