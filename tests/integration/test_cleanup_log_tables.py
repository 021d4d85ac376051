"""``cleanup`` of the tables in which Frappe keeps logs, in a real server: row_pruning, site_database and log_tables."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import pace, row_pruning
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.plan import digest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.row_pruning import OldRows, prune_rows
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules import log_tables
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.site_database import old_before, site_connection
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.tasks import TaskContext
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute
from ansible_collections.lifeboat.frappe.plugins.modules import cleanup

from tests.lab import MariaDBServer
from tests.lab.schema import DocType
from tests.log_site import SITE, LogSite
from tests.modules import run_module


@pytest.fixture
def site(tmp_path: Path, mariadb_server: MariaDBServer, database: str) -> Iterator[LogSite]:
    site = LogSite(tmp_path, mariadb_server, database)
    yield site
    site.close()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk is as large as it is on an idle host, also where the tests have to wait for a processor."""
    monkeypatch.setattr(row_pruning, "CHUNK_SECONDS", 60.0)


def run(site: LogSite, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    paths = {"bench_path": str(site.bench.path), "state_path": str(site.folder / "state")}
    return run_module(cleanup, check_mode=check_mode, **{**paths, "rules": {"log_tables": {}}, **options})


def test_old_rows_go_once(site: LogSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "IO_PRESSURE_PERCENT", 101.0)  # of this host, whatever it does now
    site.insert("Error Log", ["old-1", "old-2"], 20)
    site.insert("Error Log", ["new"], 13)
    site.insert("Email Queue", ["sent"], 100, status="Sent")
    site.insert("Email Queue", ["waits"], 100, status="Not Sent")
    site.insert("Email Queue", ["within"], 60, status="Sent")
    site.insert("Version", ["never cleared"], 1000)
    site.insert("Logs To Clear", ["row"], 1, ref_doctype="Email Queue", days=90)
    planned = run(site, check_mode=True)
    assert planned["changed"]
    assert planned["rules"]["log_tables"]["items"] == 3
    assert len(site.names("Error Log")) == 3
    done = run(site)
    assert sorted((task["subject"], task["outcome"], task["count"]) for task in done["tasks"]) == [
        (f"{SITE}: tabEmail Queue", "done", 1),
        (f"{SITE}: tabError Log", "done", 2),
    ]
    assert f"{SITE}: tabError Log: 2 rows deleted" in done["lines"]
    assert (site.names("Error Log"), site.names("Email Queue")) == (["new"], ["waits", "within"])
    assert site.names("Version") == ["never cleared"]
    assert not run(site)["changed"]


def test_row_that_was_changed_since_stays_with_its_children(site: LogSite, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("old", "touched"):
        site.insert("Email Queue", [name], 60, status="Sent")
        site.insert("Email Queue Recipient", [f"to-{name}"], 60, parent=name, parenttype="Email Queue")
    delete = row_pruning._delete

    def touched(*arguments: Any) -> int:
        execute(site.administrator, "UPDATE `tabEmail Queue` SET modified = NOW() WHERE name = 'touched'")
        return delete(*arguments)

    monkeypatch.setattr(row_pruning, "_delete", touched)
    assert site.clean({"log_tables": {}})["tasks"][0]["count"] == 1
    assert (site.names("Email Queue"), site.names("Email Queue Recipient")) == (["touched"], ["to-touched"])
    site.insert("Email Queue", ["other"], 60, status="Sent")
    monkeypatch.setattr(
        row_pruning,
        "_delete",
        lambda *arguments: (
            execute(site.administrator, "UPDATE `tabEmail Queue` SET modified = NOW()"),
            delete(*arguments),
        )[1],
    )
    done = site.clean({"log_tables": {}})
    assert (done["changed"], done["tasks"][0]["outcome"]) == (False, "done")


def test_rows_of_a_table_that_the_site_added_go_with_their_parent(site: LogSite) -> None:
    notes = DocType("Version Note", {"note": "Data"}, 0, child=True)
    fields = DocType("Custom Field", {"dt": "Data", "fieldtype": "Data", "options": "Data"}, 0)
    for doctype in (notes, fields):
        execute(site.administrator, doctype.create_statement())
    for options in (notes.name, "No Table of It"):
        site.insert(fields.name, [options], 1, dt="Version", fieldtype="Table", options=options)
    for name, age_days in (("old", 60), ("new", 1)):
        site.insert("Version", [name], age_days)
        site.insert(notes.name, [f"of-{name}"], age_days, parent=name, parenttype="Version")
    assert site.clean({"log_tables": {"days": {"Version": 30}}})["tasks"][0]["count"] == 1
    assert (site.names("Version"), site.names(notes.name)) == (["new"], ["of-new"])


def test_rows_are_archived_before_they_go(site: LogSite) -> None:
    site.insert("Email Queue", ["a", "b"], 60, status="Sent", message="text of\nmany lines")
    site.insert("Email Queue Recipient", ["to-a"], 60, parent="a", parenttype="Email Queue")
    rules = {"log_tables": {"archive_path": str(site.folder / "archive")}}
    assert f"which go to {site.folder / 'archive'} first" in site.clean(rules, check_mode=True)["lines"][1]
    assert site.clean(rules)["tasks"][0]["count"] == 2
    (path,) = (site.folder / "archive" / SITE).iterdir()
    with gzip.open(path, "rt") as stream:
        lines = [json.loads(line) for line in stream]
    assert [(line["table"], line["row"]["name"]) for line in lines] == [
        ("tabEmail Queue", "a"),
        ("tabEmail Queue", "b"),
        ("tabEmail Queue Recipient", "to-a"),
    ]
    assert lines[0]["row"]["message"] == "text of\nmany lines"


def test_archive_that_cannot_be_written_keeps_the_rows(site: LogSite) -> None:
    site.insert("Error Log", ["a"], 60)
    (site.folder / "file").touch()
    done = site.clean({"log_tables": {"archive_path": str(site.folder / "file")}})
    assert (done["changed"], done["refused"][0]["error_code"]) == (False, "disk_space")
    assert site.names("Error Log") == ["a"]


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1.0
        return self.seconds


def prune(
    site: LogSite,
    deadline: float = 1e9,
    position: Any = None,
    pause: Callable[[float], object] = lambda _seconds: None,
) -> row_pruning.Pruning:
    context = TaskContext([site.bench], site.folder / "state", site.now, clock=Clock(), pause=pause)
    old = OldRows("Version", old_before(site.now, 30 * 86400))
    with site_connection(site.bench.site(SITE)) as connection:
        row_pruning.prepare_session(connection, True, 1)
        return prune_rows(context, pace.Load(connection, [], site.folder), old, None, deadline, position)


def test_time_that_is_over_is_gone_on_with_from_there(site: LogSite) -> None:
    site.insert("Version", (f"row-{number:03d}" for number in range(150)), 60)
    first = prune(site, deadline=3.5)
    assert (first.outcome, first.count, first.position) == ("out of time", 100, "row-099")
    second = prune(site, position=first.position)
    assert (second.outcome, second.count, second.position) == ("done", 50, None)


def test_place_where_it_stopped_is_kept_and_forgotten(site: LogSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site.insert("Version", (f"row-{number:03d}" for number in range(150)), 60)
    rules = {"log_tables": {"days": {"Version": 30}}}
    monkeypatch.setattr(log_tables, "prune_rows", lambda *_arguments: row_pruning.Pruning("row-099", 0, "out of time"))
    site.clean(rules)
    kept = site.folder / "state" / log_tables.POSITIONS_NAME
    assert json.loads(kept.read_text()) == {f"{SITE}: tabVersion": "row-099"}
    monkeypatch.undo()
    assert site.clean(rules)["tasks"][0]["count"] == 50
    assert not kept.exists()
    kept.write_text("no json")
    assert site.clean(rules)["tasks"][0]["count"] == 100


def test_row_that_somebody_has_locked_ends_in_a_pause_and_then_busy(
    site: LogSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.insert("Version", ["a", "b"], 60)
    monkeypatch.setattr(row_pruning, "MOST_FAILURES", 0)
    other = connect(site.server.login, site.database)
    other.begin()
    execute(other, "UPDATE tabVersion SET docname = 'x' WHERE name = 'b'")
    assert prune(site).outcome == "busy"
    other.rollback()
    other.close()
    assert prune(site).count == 2


def test_file_that_stops_it_is_obeyed_between_chunks(site: LogSite) -> None:
    site.insert("Version", (f"row-{number:03d}" for number in range(150)), 60)
    stop = site.folder / "state" / "cleanup.stop"
    stop.parent.mkdir(exist_ok=True)
    found = prune(site, pause=lambda _seconds: stop.touch())
    assert (found.outcome, found.count, found.position) == ("stopped", 100, "row-099")
    stop.unlink()
    assert prune(site, position=found.position).count == 50


def test_load_makes_it_wait_or_give_up(site: LogSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site.insert("Version", ["a"], 60)
    monkeypatch.setattr(pace, "PAUSE_THREADS", 0)
    assert prune(site, deadline=5.5).outcome == "out of time"
    monkeypatch.setattr(pace, "ABORT_THREADS", 0)
    assert prune(site).outcome == "busy"
    assert site.names("Version") == ["a"]


def test_replica_that_never_follows_stops_it(site: LogSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server itself stands for a replica: it has applied nothing of another's log."""
    site.insert("Version", ["a"], 60)
    monkeypatch.setattr(pace, "REPLICA_SECONDS", 0)
    replicas = [f"127.0.0.1:{site.server.port}"]
    context = TaskContext(
        [site.bench], site.folder / "state", site.now, site.folder, clock=Clock(), pause=lambda _s: None
    )
    rules = {"log_tables": {"days": {"Version": 30}, "replicas": replicas}}
    (task,) = (found for found in log_tables.LOG_TABLES.plan(context, site.request(rules).tasks["log_tables"]))
    assert log_tables.LOG_TABLES.apply(context, task, 10.5).outcome == "out of time"
    assert site.names("Version") == ["a"]


@pytest.mark.parametrize(
    "forged",
    [{"doctype": "View Log"}, {"before": "2999-01-01 00:00:00"}, {"before": "1"}, {"site": "b.example"}],
    ids=["table", "future", "no time", "site"],
)
def test_plan_that_names_something_else_deletes_nothing(site: LogSite, forged: dict[str, str]) -> None:
    site.insert("Error Log", ["a"], 60)
    site.insert("View Log", ["a"], 60)
    planned = json.loads(run(site, check_mode=True)["plan"])
    planned["tasks"][0]["parameters"].update(forged)
    content = json.dumps(planned)
    done = run(site, plan=content, plan_sha256=digest(content.encode()), rules={})
    assert (done["changed"], done["refused"][0]["error_code"]) == (False, "plan_refused")
    assert (site.names("Error Log"), site.names("View Log")) == (["a"], ["a"])


def test_count_that_takes_too_long_is_the_size_of_the_table(site: LogSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site.insert("Error Log", ["a", "b"], 60)
    fetch_all = log_tables.fetch_all

    def slow(connection: Any, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        if "COUNT(*)" in statement:
            return fetch_all(connection, "SELECT 1 FROM nothing")
        return fetch_all(connection, statement, arguments)

    monkeypatch.setattr(log_tables, "fetch_all", slow)
    monkeypatch.setattr(log_tables, "STATEMENT_TOO_LONG", 1146)
    assert site.clean({"log_tables": {}}, check_mode=True)["rules"]["log_tables"]["items"] == 2
    monkeypatch.setattr(log_tables, "STATEMENT_TOO_LONG", 1969)
    refused = site.clean({"log_tables": {}}, check_mode=True)["refused"]
    assert refused[0]["error_code"] == "mariadb_statement_failed"
