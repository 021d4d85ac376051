"""Whoever started a recovery, or the database server, dies in the middle of the load of a larger site."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import list_tables
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal, journals
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.lab.lab import Lab
from tests.lab.processes import wait_until
from tests.whole_recovery import Content, WholeRecovery, playbook_process

SITE = "alpha.localhost"
VARIABLES = {"site": SITE, "lifeboat_recovery_connections": 1, "lifeboat_recovery_keep_days": 0}
FEW_TABLES = 3


class LargerSite:
    """A site whose load takes seconds, and that lost something since its set."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.recovery = WholeRecovery(lab, SITE, lab.state_path)
        self.of_the_set: Content = self.recovery.live().content
        lab.backup(SITE)

    def damage(self) -> None:
        with closing(self.lab.connect(SITE)) as connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM tabNote LIMIT 7")
            cursor.execute("DROP TABLE IF EXISTS `tabSales Invoice Item`")
        (self.lab.site_path(SITE) / "public" / "files" / "new.txt").write_text("since the set")

    def loads(self) -> bool:
        """Whether a few tables are there in a staging database that is being loaded."""
        database = self._staging()
        if not database:
            return False
        try:
            with closing(connect(self.lab.login)) as connection:
                return len(list_tables(connection, database)) > FEW_TABLES
        except LifeboatError:
            return False

    def recover(self) -> None:
        """Recover as if nothing had happened, and see that nothing but the site of the set is there."""
        folder = self.lab.folder.parent
        with playbook_process(self.lab, folder, VARIABLES) as process:
            output, _nothing = process.communicate()
        assert process.returncode == 0, output
        live, database = self.recovery.live(), self.lab.site_config(SITE)["db_name"]
        assert live.content == self.of_the_set
        traces = self.recovery.traces()
        assert (traces.databases, traces.staged) == ({database}, [])
        assert traces.accounts == {database, "mariadb.sys", "root"}

    def _staging(self) -> str:
        journal: Journal | None = next(reversed(journals(self.lab.state_path, SITE)), None)
        return str(journal.fact("staging_database") or "") if journal and not journal.is_done("recovery") else ""


@pytest.fixture(scope="module")
def larger_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LargerSite]:
    folder = tmp_path_factory.mktemp("larger-site")
    with Lab(folder / "lab", services=False, sites=(SITE,), scale=15) as lab:
        yield LargerSite(lab)
    shutil.rmtree(folder)


def progress_of(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return the file with the module's progress, and what it says."""
    (path,) = (folder / "temporary" / "jobs").glob("lifeboat-*.progress")
    return path, json.loads(path.read_text())


def runs(process_id: int) -> bool:
    """Tell whether a process is there and not merely waiting for its end to be noticed."""
    try:
        return Path("/proc", str(process_id), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def workers(folder: Path) -> list[int]:
    """Return the processes of the controller that are left, by the temporary folder in their environment."""
    mark = f"ANSIBLE_LOCAL_TEMP={folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended, or is not ours
            if b"ansible-playbook" in (process / "cmdline").read_bytes() and mark in (process / "environ").read_bytes():
                found.append(int(process.name))
    return found


@pytest.mark.promise(11)
def test_no_orphan_goes_on_when_the_controller_is_killed(larger_site: LargerSite, tmp_path: Path) -> None:
    larger_site.damage()
    live, traces = larger_site.recovery.live(), larger_site.recovery.traces()
    with playbook_process(larger_site.lab, tmp_path, VARIABLES) as process:
        wait_until(larger_site.loads, "the load", timeout_seconds=300)
        os.killpg(process.pid, signal.SIGKILL)
    path, progress = progress_of(tmp_path)
    assert runs(progress["process_id"])
    wait_until(lambda: not workers(tmp_path), "the end of Ansible's workers")
    os.utime(f"{path}.lease", (0, 0))  # as if the lease had run out, which nobody renews any more
    wait_until(lambda: not runs(progress["process_id"]), "the end of the orphan")
    assert larger_site.recovery.live() == live
    assert larger_site.recovery.traces() == traces
    newest = journals(larger_site.lab.state_path, SITE)[-1]
    assert [entry.facts["error_code"] for entry in newest.entries() if entry.event == "failed"] == ["caller_gone"] * 2
    larger_site.recover()


@pytest.mark.promise(12)
def test_a_server_that_is_killed_during_the_load_leaves_the_old_site(larger_site: LargerSite, tmp_path: Path) -> None:
    larger_site.damage()
    live = larger_site.recovery.live()
    with playbook_process(larger_site.lab, tmp_path, {**VARIABLES, "again": True}) as process:
        wait_until(larger_site.loads, "the load", timeout_seconds=300)
        larger_site.lab.mariadb.kill()
        output, _nothing = process.communicate()
    larger_site.lab.mariadb.start()
    assert process.returncode != 0
    assert f"{SITE} was not recovered." in output, output
    assert larger_site.recovery.live() == live
    larger_site.recover()
