"""Old rows go while others write to the table, and a cleanup that is killed is completed by the next."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import row_pruning
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.planning import make_plan
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules import log_tables
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.run import run_clean
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.lab import MariaDBServer
from tests.lab.background import Background
from tests.lab.processes import wait_until
from tests.log_site import SITE, LogSite
from tests.small_disk import small_disk

ROWS = 3000
RULES: dict[str, Any] = {"log_tables": {"days": {"Version": 30}}}


@pytest.fixture
def site(tmp_path: Path, mariadb_server: MariaDBServer, database: str) -> Iterator[LogSite]:
    site = LogSite(tmp_path, mariadb_server, database)
    yield site
    site.close()


class Writer(Background):
    """Writes new rows, one a transaction; a row for which it would wait a second is an error of the server's."""

    def __init__(self, site: LogSite, doctype: str) -> None:
        super().__init__("writer of a log")
        self.site, self.doctype = site, doctype
        self.errors: list[Exception] = []
        self.written: list[str] = []
        self.wrote = threading.Event()

    def _run(self) -> None:
        login = self.site.server.login
        with closing(connect(login, self.site.database)) as connection:
            # Of a table without transactions the server locks the whole: there the size of the chunks bounds the wait.
            execute(connection, "SET SESSION innodb_lock_wait_timeout = 1")
            while not self._ending.is_set():
                # Among the old rows, where a lock on a gap would be in the way.
                name = f"row-{len(self.written) % ROWS:05d}-new-{len(self.written)}"
                try:
                    execute(
                        connection,
                        f"INSERT INTO `tab{self.doctype}` (name, creation, modified) VALUES (%s, NOW(), NOW())",
                        (name,),
                    )
                except Exception as error:  # whatever it is, the test tells
                    self.errors.append(error)
                    return
                self.written.append(name)
                self.wrote.set()


@pytest.mark.promise(14)
@pytest.mark.parametrize("doctype", ["Version", "Error Log"])
def test_writer_loses_no_row_and_never_waits_a_second(
    site: LogSite, doctype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.insert(doctype, (f"row-{number:05d}" for number in range(ROWS)), 60)
    delete = row_pruning._delete
    with Writer(site, doctype) as writer:

        def between_writes(*arguments: Any) -> int:
            writer.wrote.clear()
            count = delete(*arguments)
            wait_until(lambda: writer.wrote.is_set() or bool(writer.errors), "a row written meanwhile")
            return count

        monkeypatch.setattr(row_pruning, "_delete", between_writes)
        done = site.clean(RULES)
    assert writer.errors == []
    assert [(task["outcome"], task["count"]) for task in done["tasks"]] == [("done", ROWS)]
    assert site.names(doctype) == sorted(writer.written)


@pytest.mark.promise(14)
def test_open_transaction_of_a_writer_is_not_waited_for_and_not_in_the_way(
    site: LogSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chunk holds locks on old rows alone: neither it nor a writer that is in the middle of its work waits."""
    site.insert("Version", (f"row-{number:05d}" for number in range(200)), 60)
    with closing(connect(site.server.login, site.database)) as writer:
        execute(writer, "SET SESSION innodb_lock_wait_timeout = 1")
        writer.begin()
        execute(writer, "INSERT INTO tabVersion (name, creation, modified) VALUES ('row-00050-new', NOW(), NOW())")
        before_commit = site.administrator.__class__.commit
        wrote: list[int] = []

        def commit(connection: Any) -> None:
            if connection is not writer:
                statement = "INSERT INTO tabVersion (name, creation, modified) VALUES (%s, NOW(), NOW())"
                wrote.append(execute(writer, statement, (f"row-00060-new-{len(wrote)}",)))
            before_commit(connection)

        monkeypatch.setattr(site.administrator.__class__, "commit", commit)
        done = site.clean(RULES)
        monkeypatch.undo()
        writer.commit()
    assert done["tasks"][0]["count"] == 200
    assert len(site.names("Version")) == 1 + len(wrote)
    assert wrote


def killed_in(site: LogSite, statement: str, times: int) -> None:
    """Clean up in a process of its own that ends, as by kill -9, before so many statements of a kind are run."""

    def clean() -> None:
        run = row_pruning.execute
        seen = 0

        def counted(connection: Any, text: str, arguments: tuple[Any, ...] = ()) -> int:
            nonlocal seen
            seen += statement in text
            if seen == times:
                os.kill(os.getpid(), signal.SIGKILL)
            return run(connection, text, arguments)

        row_pruning.execute = counted
        row_pruning.CHUNK_SECONDS = 60.0  # a chunk is as large as on an idle host
        site.clean({"log_tables": {}})

    process = multiprocessing.get_context("fork").Process(target=clean)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.promise(11)
@pytest.mark.parametrize("statement", ["DELETE `tabEmail Queue`", "DELETE FROM `tabEmail Queue Recipient`"])
def test_killed_cleanup_is_completed_by_the_next(site: LogSite, statement: str) -> None:
    old = [f"old-{number:04d}" for number in range(250)]
    for names, age_days in ((old, 60), (["recent"], 1)):
        site.insert("Email Queue", names, age_days, status="Sent")
        for name in names:
            site.insert("Email Queue Recipient", [f"to-{name}"], age_days, parent=name, parenttype="Email Queue")
    killed_in(site, statement, times=2)
    orphans = "SELECT COUNT(*) FROM `tabEmail Queue Recipient` WHERE parent NOT IN (SELECT name FROM `tabEmail Queue`)"
    wait_until(lambda: _left(site) == 151, "the end of what the killed one had begun")
    assert fetch_all(site.administrator, orphans) == [(0,)]
    done = site.clean({"log_tables": {}})
    assert [(task["outcome"], task["count"]) for task in done["tasks"]] == [("done", 150)]
    assert (site.names("Email Queue"), site.names("Email Queue Recipient")) == (["recent"], ["to-recent"])
    assert not site.clean({"log_tables": {}})["changed"]


def _left(site: LogSite) -> int:
    ((count,),) = fetch_all(site.administrator, "SELECT COUNT(*) FROM `tabEmail Queue`")
    return int(count)


def refused(site: LogSite) -> tuple[str, str]:
    """Clean up, and return the code and the reason of the one refusal."""
    done = site.clean(RULES)
    assert not done["changed"]
    assert len(site.names("Version")) == 5
    ((code, reason),) = [(found["error_code"], found["reason"]) for found in done["refused"]]
    assert any(reason in line for line in done["lines"])
    return code, reason


@pytest.fixture
def old_site(site: LogSite) -> LogSite:
    site.insert("Version", "abcde", 60)
    return site


@pytest.mark.promise(25)
def test_clock_in_the_future_deletes_no_row(old_site: LogSite) -> None:
    with pytest.raises(LifeboatError, match="days ahead"):
        old_site.clean(RULES, now=old_site.now + 3650 * 86400)
    plan = make_plan(old_site.request(RULES))
    with pytest.raises(LifeboatError, match="days ahead"):
        run_clean(old_site.request(RULES, now=old_site.now + 3650 * 86400), plan, check_mode=False)
    assert len(old_site.names("Version")) == 5


@pytest.mark.promise(9)
def test_full_disk_of_the_state_does_not_stop_it(old_site: LogSite, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as fill:
        (tmp_path / "disk" / "state").mkdir()
        fill()
        done = old_site.clean(RULES, state_path=tmp_path / "disk" / "state")
        assert [(task["outcome"], task["count"]) for task in done["tasks"]] == [("done", 5)]
        assert done["refused"] == []
        log_tables._keep_positions(old_site.request(RULES, state_path=tmp_path / "disk" / "state").context, {"a": "b"})
    assert old_site.names("Version") == []


@pytest.mark.promise(25)
def test_wrong_credentials_are_refused(old_site: LogSite) -> None:
    old_site.configure("wrong")
    code, reason = refused(old_site)
    assert code == "mariadb_access_denied"
    assert "db_password" in reason
    assert SITE in reason


@pytest.mark.promise(25)
def test_read_only_server_is_refused(old_site: LogSite) -> None:
    execute(old_site.administrator, "SET GLOBAL read_only = 1")
    try:
        code, reason = refused(old_site)
    finally:
        execute(old_site.administrator, "SET GLOBAL read_only = 0")
    assert code == "server_read_only"
    assert "takes no writes" in reason


@pytest.mark.promise(25)
def test_replica_is_refused(old_site: LogSite) -> None:
    execute(old_site.administrator, "CHANGE MASTER TO master_host='127.0.0.1', master_port=1, master_user='x'")
    execute(old_site.administrator, "START SLAVE")
    try:
        code, reason = refused(old_site)
    finally:
        execute(old_site.administrator, "STOP SLAVE")
        execute(old_site.administrator, "RESET SLAVE ALL")
    assert code == "server_read_only"
    assert "replica" in reason
