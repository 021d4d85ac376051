"""A recovery to a point in time that is killed at every step of its journal up to the promotion, and run again."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal, journals

from tests.lab.lab import Lab
from tests.lab.processes import wait_until
from tests.point_in_time_site import LOGS_ROWS, SITE, PointInTimeSite, differing
from tests.promotion_stage import exit_code_of
from tests.small_site import leave_few_tables

pytestmark = pytest.mark.promise(11)

PROMOTION = "promote"
CLOSING = "quiesce"


class Killed(PointInTimeSite):
    """A small site of whose transactions one is to be undone."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        super().__init__(lab, folder)
        leave_few_tables(lab, SITE)
        self.back_up("physical")
        self.write("INSERT INTO tabToDo (name, description) VALUES ('kept', 'kept')")
        self.wanted = self.content()
        self.bad = self.write("DELETE FROM tabToDo")
        self.old = self.live()

    def is_worked_for_by(self, process: Path) -> bool:
        """Tell whether a process, by its folder in /proc, works in the folder of the state."""
        try:
            return f"{self.state_path}/".encode() in (process / "cmdline").read_bytes()
        except OSError:
            return False

    def watched(self, entry: str, is_before: bool) -> bool:
        """Recover in a process that is killed at a write of the journal; tell whether it came so far."""

        def child() -> None:
            append = Journal.append

            def append_and_die(journal: Journal, step: str, event: str, **facts: Any) -> None:
                is_here = entry == f"{step} {event}"
                if is_here and is_before:
                    os.kill(os.getpid(), signal.SIGKILL)
                append(journal, step, event, **facts)
                if is_here:
                    os.kill(os.getpid(), signal.SIGKILL)

            Journal.append = append_and_die  # type: ignore[method-assign]
            self.run(undo=self.bad, keep_days=7)

        return exit_code_of(child) == -signal.SIGKILL

    def entries(self) -> list[str]:
        """Return what the last recovery wrote to its journal, up to the promotion."""
        written = [f"{entry.step} {entry.event}" for entry in journals(self.state_path, SITE)[-1].entries()]
        return written[: written.index(f"{PROMOTION} begin")]

    def checksums_of_the_old(self) -> dict[str, int]:
        """Return the checksums of the tables that were live, asked by the administrator: its account may be locked."""
        database = self.old_database
        with closing(connect(self.lab.login, database)) as connection:
            tables = ", ".join(map(quote_identifier, self.old.content.tables))
            rows = fetch_all(connection, f"CHECKSUM TABLE {tables}")
        return {str(name).removeprefix(f"{database}."): int(checksum) for name, checksum in rows}

    @property
    def old_database(self) -> str:
        """The database that is live while nothing was promoted."""
        return str(self.lab.site_config(SITE)["db_name"])


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    folder = tmp_path_factory.mktemp("killed-replays")
    with Lab(folder / "lab", services=False, sites=(SITE,), **LOGS_ROWS) as lab:
        yield Killed(lab, folder)
    shutil.rmtree(folder)


def test_a_replay_killed_at_every_step_and_run_again_leads_to_the_new_site(killed: Killed) -> None:
    record = killed.run(undo=killed.bad, keep_days=7)
    assert differing(killed.content(), killed.wanted) == set()
    entries = killed.entries()
    killed.roll_back(record["recovery"])
    assert killed.live() == killed.old
    assert {"staging_database.replay done", "quiesce.fence done", "staging_database.undo done"} <= set(entries)
    # Before a `done` the work of the step is done and nothing says so; the `begin` of the next step follows it at once.
    for entry in [entry for entry in entries if entry.endswith(" done") or entry == f"{CLOSING} begin"]:
        assert killed.watched(entry, is_before=entry.endswith(" done")), entry
        assert killed.checksums_of_the_old() == killed.old.content.tables, entry
        # The kernel ends them with their parent, and not at once.
        wait_until(
            lambda: not any(map(killed.is_worked_for_by, Path("/proc").glob("[0-9]*"))), f"the end of all, {entry}"
        )
    record = killed.run(undo=killed.bad, keep_days=7)
    assert differing(killed.content(), killed.wanted) == set()
    assert not list(killed.state_path.rglob("scratch"))
    killed.roll_back(record["recovery"])
    assert killed.live() == killed.old


@pytest.mark.parametrize("entry", ["quiesce begin", "quiesce.fence done", "staging_database.undo done"])
def test_a_site_that_was_closed_is_open_again_when_the_recovery_is_given_up(killed: Killed, entry: str) -> None:
    assert killed.watched(entry, is_before=False)
    recovery = journals(killed.state_path, SITE)[-1].recovery
    killed.abandon(recovery)
    assert killed.live() == killed.old
    assert not list(killed.state_path.rglob("scratch"))
