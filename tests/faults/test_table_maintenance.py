"""A rebuild that is in others' way is given up, and one that was killed is completed by the next run."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables import rebuild
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.rebuild import (
    WAITING_STATE,
    Rebuild,
    forgotten_rebuilds,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all

from tests.lab import MariaDBServer
from tests.lab.background import Background
from tests.lab.processes import wait_until
from tests.maintained_site import MEBIBYTE, MaintainedSite

# For a table that somebody else has, a writer waits for so long until that is an error. The rebuild gives up after a
# few seconds; without that, nothing would end this wait before the test did.
WRITER_WAITS_SECONDS = 30
NOTHING = {"rebuild_min_bytes": 0, "reclaim_min_bytes": 0, "reclaim_min_percent": 0}


@pytest.fixture
def site(tmp_path: Path, mariadb_server: MariaDBServer) -> Iterator[MaintainedSite]:
    site = MaintainedSite(tmp_path, mariadb_server)
    yield site
    site.close()


class Writer(Background):
    """Writes one row after the other to a table; an error ends it."""

    def __init__(self, site: MaintainedSite, table: str) -> None:
        super().__init__("writer")
        self.site, self.table = site, table
        self.errors: list[Exception] = []
        self.written = 0
        self.wrote = threading.Event()

    def _run(self) -> None:
        with closing(connect(self.site.server.login, self.site.database)) as connection:
            execute(connection, "SET SESSION lock_wait_timeout = %s", (WRITER_WAITS_SECONDS,))
            for number in itertools.count(1_000_000):
                if self._ending.is_set():
                    return
                try:
                    execute(connection, f"INSERT INTO `{self.table}` VALUES (%s, 'new')", (number,))
                except Exception as error:  # whatever it is, the test tells
                    self.errors.append(error)
                    return
                self.written += 1
                self.wrote.set()


def is_quiet(site: MaintainedSite) -> bool:
    """Tell whether no rebuild goes on; the server says so a moment after it has answered."""
    return not forgotten_rebuilds(site.administrator, site.database)


def kind_of(result: dict[str, Any], table: str) -> str:
    return "".join(skip["kind"] for skip in result["passed_over"] if skip["table"] == table)


@pytest.mark.promise(14)
def test_rebuild_that_others_wait_behind_at_its_start_is_given_up(site: MaintainedSite) -> None:
    """An open transaction keeps the table; the rebuild waits for it, and whoever comes then waits for the rebuild."""
    site.bloat("tabVersion")
    with closing(connect(site.server.login, site.database)) as reader, Writer(site, "tabVersion") as writer:
        reader.begin()
        ((holder,),) = fetch_all(reader, "SELECT CONNECTION_ID() FROM tabVersion LIMIT 1")
        wait_until(writer.wrote.is_set, "the first row")
        done = site.maintain()
        writer.wrote.clear()
        wait_until(lambda: writer.wrote.is_set() or bool(writer.errors), "a row after the rebuild was given up")
        reader.rollback()
    assert writer.errors == []
    assert kind_of(done, "tabVersion") in ("blocking", "blocked")
    assert f"thread {holder} of root at " in "".join(done["lines"]), "whoever holds it is named"
    assert "rebuild" not in [item["action"] for item in done["done"]]
    wait_until(lambda: is_quiet(site), "the end of the rebuild")
    assert fetch_all(site.administrator, "SELECT COUNT(*) FROM tabVersion") == [(10 + writer.written,)]
    assert site.maintain(thresholds=NOTHING)["changed"]


@pytest.mark.promise(14)
def test_rebuild_that_others_wait_behind_at_its_end_is_given_up(
    site: MaintainedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that began while the rows were copied keeps the table when the new one is to take its place."""
    site.fill("tabVersion", 20_000)
    monkeypatch.setattr(rebuild, "POLL_SECONDS", 0.01)
    copying = "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = %s AND STATE = 'altering table'"
    with closing(connect(site.server.login, site.database)) as reader, Writer(site, "tabVersion") as writer:
        looked, began = rebuild.others_waiting, threading.Event()

        def look(administrator: Any, database: str, thread_id: int) -> list[tuple[int, int]]:
            if not began.is_set() and fetch_all(site.administrator, copying, (thread_id,)):
                reader.begin()
                fetch_all(reader, "SELECT * FROM tabVersion LIMIT 1")
                began.set()
            return looked(administrator, database, thread_id)

        monkeypatch.setattr(rebuild, "others_waiting", look)
        # A rebuild may be over before the transaction of this test begins; the next one need not be.
        for number in range(50):
            done = site.maintain(thresholds=NOTHING, state_path=str(site.folder / f"state-{number}"))
            if kind_of(done, "tabVersion"):
                break
            reader.rollback()
            began.clear()
        writer.wrote.clear()
        wait_until(lambda: writer.wrote.is_set() or bool(writer.errors), "a row after the rebuild was given up")
        reader.rollback()
    assert writer.errors == []
    assert kind_of(done, "tabVersion") in ("blocking", "blocked")
    assert fetch_all(site.administrator, "SELECT COUNT(*) FROM tabVersion") == [(20_000 + writer.written,)]


@pytest.mark.promise(14)
def test_rebuild_ends_with_its_window(site: MaintainedSite) -> None:
    site.fill("tabVersion", 10)
    with closing(connect(site.server.login, site.database)) as reader, closing(own(site)) as worker:
        reader.begin()
        fetch_all(reader, "SELECT * FROM tabVersion LIMIT 1")
        assert watch(site, Rebuild(worker, "tabVersion"), ends_at=-1.0) == rebuild.WINDOW_OVER
        with pytest.raises(RuntimeError, match="nobody listens"):
            watch(site, Rebuild(worker, "tabVersion"), report=nobody_listens)
        wait_until(lambda: is_quiet(site), "the end of the rebuild")


def own(site: MaintainedSite) -> Any:
    return connect(site.server.login.with_account(site.database, "site-password"), site.database)


def nobody_listens() -> None:
    raise RuntimeError("nobody listens")


def watch(
    site: MaintainedSite, work: Rebuild, ends_at: float = 1e12, report: Callable[[], None] = lambda: None
) -> tuple[str, str] | None:
    administrator = site.administrator
    return work.watch(
        administrator, site.database, blocked_seconds=60, ends_at=ends_at, clock=lambda: 0.0, report=report
    )


@pytest.mark.promise(25)
def test_rebuild_that_the_server_refuses_says_why(site: MaintainedSite) -> None:
    site.fill("tabSearched", 10)
    execute(site.administrator, "ALTER TABLE tabSearched ADD FULLTEXT (text)")
    with closing(own(site)) as worker:
        found = watch(site, Rebuild(worker, "tabSearched"))
        assert found is not None
        assert found[0] == "not_online"
        with pytest.raises(Exception, match="1146"):
            watch(site, Rebuild(worker, "tabGone"))
    rebuild.end_statement(site.administrator, 2**31)  # a thread that is gone


def killed_while_it_waits(site: MaintainedSite) -> None:
    """Maintain in a process of its own that ends, as by kill -9, while its rebuild waits for the table."""

    def maintain() -> None:
        looked = rebuild.others_waiting

        def look(administrator: Any, database: str, thread_id: int) -> list[tuple[int, int]]:
            state = "SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE = %s AND ID = %s"
            if fetch_all(administrator, state, (WAITING_STATE, thread_id)):
                os.kill(os.getpid(), signal.SIGKILL)
            return looked(administrator, database, thread_id)

        rebuild.others_waiting = look
        site.maintain()

    # On a busy host the server may have given the lock up before it was looked at.
    for _attempt in range(10):
        process = multiprocessing.get_context("fork").Process(target=maintain)
        process.start()
        process.join()
        if process.exitcode == -signal.SIGKILL:
            return
    pytest.fail("no rebuild was seen while it waited")


@pytest.mark.promise(11)
def test_killed_run_is_completed_by_the_next(site: MaintainedSite) -> None:
    site.bloat("tabVersion")
    with closing(connect(site.server.login, site.database)) as reader, Writer(site, "tabVersion") as writer:
        reader.begin()
        fetch_all(reader, "SELECT * FROM tabVersion LIMIT 1")
        killed_while_it_waits(site)
        # The server goes on with what nobody watches: the next run ends that first, and then is blocked itself.
        blocked = site.maintain(thresholds={"blocked_seconds": 0.5})
        assert kind_of(blocked, "tabVersion") in ("blocked", "blocking")
        wait_until(lambda: is_quiet(site), "the end of the rebuild")
        reader.rollback()
    assert writer.errors == []
    assert site.maintain()["changed"]
    assert not site.maintain()["changed"]
    assert site.free_bytes("tabVersion") < MEBIBYTE
    assert site.leftovers() == []
