"""Expired sessions go, whatever happens meanwhile, and no other."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.plan import decode_plan, digest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules import sessions
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.run import run_clean
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.lab import MariaDBServer
from tests.lab.processes import wait_until
from tests.log_site import LogSite

RULES: dict[str, Any] = {"sessions": {}}


@pytest.fixture
def site(tmp_path: Path, mariadb_server: MariaDBServer, database: str) -> Iterator[LogSite]:
    site = LogSite(tmp_path, mariadb_server, database)
    for name, age_days in (("used", 1), ("new", 29), ("old-1", 32), ("old-2", 60), ("old-3", 90)):
        statement = "INSERT INTO tabSessions (sid, sessiondata, lastupdate) VALUES (%s, '{}', %s)"
        execute(site.administrator, statement, (name, site.moment(age_days)))
    set_expiry(site, "06:00")
    yield site
    site.close()


def set_expiry(site: LogSite, text: str) -> None:
    execute(site.administrator, "DELETE FROM tabSingles")
    execute(site.administrator, "INSERT INTO tabSingles VALUES ('System Settings', 'session_expiry', %s)", (text,))


def left(site: LogSite) -> list[str]:
    return [str(sid) for (sid,) in fetch_all(site.administrator, "SELECT sid FROM tabSessions ORDER BY sid")]


@pytest.mark.promise(25)
def test_expired_sessions_go_once(site: LogSite) -> None:
    planned = site.clean(RULES, check_mode=True)
    assert (planned["changed"], planned["rules"]["sessions"]["items"]) == (True, 3)
    assert len(left(site)) == 5
    done = site.clean(RULES)
    assert [(task["outcome"], task["count"]) for task in done["tasks"]] == [("done", 3)]
    assert left(site) == ["new", "used"]
    assert not site.clean(RULES)["changed"]


def test_session_that_the_settings_let_go_on_stays(site: LogSite) -> None:
    set_expiry(site, f"{80 * 24}:00")
    site.clean({"sessions": {"older_than_days": 0}})
    assert left(site) == ["new", "old-1", "old-2", "used"]
    planned = json.loads(site.clean(RULES, check_mode=True)["plan"])
    assert planned["tasks"] == []


@pytest.mark.promise(25)
def test_clock_in_the_future_ends_no_session(site: LogSite) -> None:
    with pytest.raises(LifeboatError, match="days ahead"):
        site.clean(RULES, now=site.now + 3650 * 86400)
    assert len(left(site)) == 5


@pytest.mark.promise(25)
def test_server_that_is_no_primary_is_refused(site: LogSite) -> None:
    execute(site.administrator, "SET GLOBAL read_only = 1")
    try:
        done = site.clean(RULES)
    finally:
        execute(site.administrator, "SET GLOBAL read_only = 0")
    assert (done["changed"], done["refused"][0]["error_code"]) == (False, "server_read_only")
    site.configure("wrong")
    assert site.clean(RULES)["refused"][0]["error_code"] == "mariadb_access_denied"
    assert len(left(site)) == 5


def test_plan_that_wants_more_deletes_nothing(site: LogSite) -> None:
    planned = json.loads(site.clean(RULES, check_mode=True)["plan"])
    planned["tasks"][0]["parameters"]["before"] = site.moment(-1)[:19]
    content = json.dumps(planned).encode()
    forged = decode_plan(content, digest(content), planned["host"])
    done = run_clean(site.request(RULES), forged, check_mode=False)
    assert (done["changed"], done["refused"][0]["error_code"]) == (False, "plan_refused")
    assert len(left(site)) == 5


@pytest.mark.promise(11)
def test_killed_cleanup_is_completed_by_the_next(site: LogSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "BATCH_ROWS", 1)

    def clean() -> None:
        batches = 0

        def counted(connection: Any, text: str, arguments: tuple[Any, ...] = ()) -> int:
            nonlocal batches
            batches += "DELETE" in text
            if batches == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return execute(connection, text, arguments)

        sessions.execute = counted
        site.clean(RULES)

    process = multiprocessing.get_context("fork").Process(target=clean)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    wait_until(lambda: len(left(site)) == 4, "the end of what the killed one had begun")
    assert site.clean(RULES)["tasks"][0]["count"] == 2
    assert left(site) == ["new", "used"]


def test_session_in_use_and_the_end_of_time_stop_it(site: LogSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "BATCH_ROWS", 1)
    other = connect(site.server.login, site.database)
    other.begin()
    execute(other, "UPDATE tabSessions SET lastupdate = NOW() WHERE sid = 'old-2'")
    done = site.clean(RULES)
    assert (done["tasks"][0]["outcome"], done["tasks"][0]["count"]) == ("refused", 1)
    assert done["changed"]
    assert done["refused"][0]["error_code"] == "mariadb_statement_failed"
    other.commit()
    other.close()
    context = site.request(RULES).context
    (task,) = sessions.SESSIONS.plan(context, sessions.SessionSettings(30))
    assert sessions.SESSIONS.apply(context, task, 0.0).outcome == "out of time"
    assert site.clean(RULES)["tasks"][0]["count"] == 1
    assert left(site) == ["new", "old-2", "used"]
