"""Checks D29 and D31 to D38 of a server that answers from a list."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History, Point
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import (
    NotApplicableError,
    UnmeasurableError,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.mariadb_growth import (
    daily_growth,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.mariadb_isolation import (
    isolation_compatible,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal

from tests.mariadb_answers import SCHEMA, SERVER, SITE, AnsweringServer
from tests.server_doubles import look

MEBIBYTE = 1024**2
DAY_SECONDS = 86400.0
NOW = datetime(2026, 11, 21, tzinfo=timezone.utc).timestamp()


class Cursor:
    """A cursor with one answer."""

    def __init__(self, rows):
        self.description = [(name,) for name in (rows[0] if rows else {})]
        self._rows = [tuple(row.values()) for row in rows]

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        return None

    def execute(self, statement):
        assert statement == "SHOW ALL SLAVES STATUS"

    def fetchall(self):
        return self._rows


def replica(read_only="ON", **changes):
    status = {
        "Connection_name": "",
        "Slave_IO_Running": "Yes",
        "Slave_SQL_Running": "Yes",
        "Last_IO_Errno": 0,
        "Last_SQL_Errno": 0,
        "Using_Gtid": "Slave_Pos",
        "Seconds_Behind_Master": 0,
        "SQL_Delay": 0,
        **changes,
    }
    server = AnsweringServer(variables={"read_only": read_only})
    rows = [status] if changes != {"none": True} else []
    connection = SimpleNamespace(cursor=lambda: Cursor(rows))

    @contextmanager
    def connect():
        yield connection

    server.reader.connection = connect
    return server


@pytest.mark.parametrize(
    ("status", "severity", "text"),
    [
        ({}, "ok", "default is 0 s behind"),
        ({"Seconds_Behind_Master": 45}, "warning", "default is 45 s behind"),
        ({"Seconds_Behind_Master": 3645, "SQL_Delay": 3600}, "warning", "default is 45 s behind"),
        ({"Seconds_Behind_Master": 10, "SQL_Delay": 3600}, "ok", "default is 0 s behind"),
        ({"Seconds_Behind_Master": 301}, "critical", "default is 301 s behind"),
        ({"Seconds_Behind_Master": None}, "unknown", "default does not know how far it is behind"),
        ({"Slave_SQL_Running": "No", "Last_SQL_Errno": 1062}, "critical", "the SQL thread of default does not run"),
        ({"Slave_IO_Running": "Connecting"}, "critical", "the IO thread of default does not run"),
        (
            {"Slave_IO_Running": "No", "Slave_SQL_Running": "No"},
            "critical",
            "the IO and the SQL thread of default does not run",
        ),
    ],
)
def test_replication(status, severity, text):
    found = look("D32", replica(**status))["default"]
    assert (found.severity, found.text) == (severity, text)


def test_what_else_a_replica_tells():
    found = look("D32", replica("OFF", Connection_name="berlin", Using_Gtid="No", Last_IO_Errno=1236))
    assert found["read_only"].severity == "warning"
    assert found["berlin"].evidence == (
        "error 1236 of the IO thread",
        "it follows by file and position, not by GTID",
    )
    assert look("D32", replica())["read_only"].severity == "ok"
    assert look("D32", replica(none=True))[""].severity == "skipped"


def test_the_share_of_the_binary_logs(tmp_path, monkeypatch):
    variables = {"log_bin": "ON", "log_bin_basename": str(tmp_path / "binlog"), "expire_logs_days": "10.0"}
    server = AnsweringServer({"SHOW BINARY LOGS": [("binlog.000001", 200), ("binlog.000002", 50)]}, variables)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(total=1000))
    found = look("D31", server)
    assert (found[""].value, found[""].severity, found["expiry"].severity) == (25.0, "warning", "ok")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(total=500))
    assert look("D31", server)[""].severity == "critical"
    del variables["expire_logs_days"]
    assert look("D31", AnsweringServer({}, variables))["expiry"].severity == "warning"
    assert look("D31", AnsweringServer({}, {"log_bin": "OFF"}))[""].severity == "warning"


def test_durability():
    fine = {
        "innodb_flush_log_at_trx_commit": "1",
        "sync_binlog": "1",
        "innodb_doublewrite": "ON",
        "log_bin": "ON",
    }
    assert {found.severity for found in look("D33", AnsweringServer({}, fine)).values()} == {"ok"}
    lax = {**fine, "sync_binlog": "0", "innodb_flush_log_at_trx_commit": "2"}
    assert [found.severity for found in look("D33", AnsweringServer({}, lax)).values()] == ["warning", "warning", "ok"]
    assert "sync_binlog" not in look("D33", AnsweringServer({}, {**lax, "log_bin": "OFF"}))


@pytest.mark.parametrize(
    ("version", "severity"),
    [("10.11.19-MariaDB", "ok"), ("10.6.21-MariaDB-log", "critical"), ("99.1.0-MariaDB", "unknown")],
)
def test_the_life_of_a_version(version, severity):
    server = AnsweringServer({}, {"version": version}, surroundings=Surroundings(now=lambda: NOW))
    assert look("D35", server)[""].severity == severity


def test_what_the_server_can_tell():
    assert look("D36", AnsweringServer())[""].severity == "warning"
    everything = {"log_slow_query": "ON", "performance_schema": "ON", "userstat": "1"}
    found = look("D36", AnsweringServer({"METADATA_LOCK_INFO": [(1,)]}, everything))[""]
    assert (found.value, found.text) == (0, "everything is on")


def test_growth_of_days():
    def points(*values):
        return [Point(days * DAY_SECONDS, value) for days, value in values]

    assert daily_growth(points((0, 100))) == []
    assert daily_growth(points((0, 100), (0.5, 110), (1, 150))) == [50]
    assert daily_growth(points((0, 100), (1, 150), (1.5, 160), (2, 180), (4, 240))) == [50, 30, 30]


def on_disk(folder, **sizes):
    """Make the files of tables, and return the server's variables that lead to them."""
    (folder / SCHEMA).mkdir(exist_ok=True)
    (folder / "ibdata1").touch()
    for table, size_bytes in sizes.items():
        with (folder / SCHEMA / f"{table}.ibd").open("wb") as stream:
            stream.truncate(size_bytes)
    return {"datadir": str(folder)}


def test_growth(tmp_path):
    variables = on_disk(tmp_path, tabVersion=700 * MEBIBYTE, tabNote=MEBIBYTE)

    def found(*sizes):
        runs = [
            {"at_seconds": NOW - days * DAY_SECONDS, "values": {f"D38|{SERVER}|{SITE}": size * MEBIBYTE}}
            for days, size in sizes
        ]
        surroundings = Surroundings(now=lambda: NOW, history=History(runs))
        return look("D38", AnsweringServer({}, variables, surroundings=surroundings))[SITE]

    assert (found().severity, found().value) == ("ok", 701 * MEBIBYTE)
    assert found().evidence == ("tabVersion: 700.0 MiB", "tabNote: 1.0 MiB")
    assert found((3, 560), (2, 580), (1, 600)).severity == "warning"
    assert found((3, 400), (2, 500), (1, 600)).severity == "ok"
    assert found((3, 690), (2, 691), (1, 692)).severity == "ok"


def test_the_size_of_a_server_elsewhere(tmp_path):
    answers = {"innodb_table_stats": [("tabNote", 5 * MEBIBYTE)]}
    elsewhere = AnsweringServer(answers, on_disk(tmp_path), host="db.example.com")
    assert look("D38", elsewhere)[SITE].value == 5 * MEBIBYTE
    assert look("D38", AnsweringServer(answers, {"datadir": "/nowhere"}))[SITE].value == 5 * MEBIBYTE


def test_files_that_cannot_be_read(tmp_path, monkeypatch):
    variables = on_disk(tmp_path)

    def refuse(_folder, _pattern):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "glob", refuse)
    server = AnsweringServer({}, variables, surroundings=Surroundings())
    assert "Permission denied" in look("D38", server)[""].text


def test_fragmentation(tmp_path):
    variables = on_disk(tmp_path, tabVersion=2000 * MEBIBYTE, tabNote=MEBIBYTE)
    free = {"DATA_FREE": [(600 * MEBIBYTE, 1400 * MEBIBYTE)]}
    found = look("D29", AnsweringServer(free, variables, surroundings=Surroundings()))[f"{SCHEMA}.tabVersion"]
    assert (found.value, found.severity) == (30.0, "warning")
    assert look("D29", AnsweringServer({}, variables, surroundings=Surroundings()))[""].severity == "ok"


def test_orphans(tmp_path):
    surroundings = Surroundings(state_path=tmp_path)
    answers = {
        "SHOW DATABASES": [("mysql",), (SCHEMA,), ("_00000000000000aa",), ("_00000000000000bb",)],
        "mysql.user": [("root",), (SCHEMA,), ("_00000000000000aa",), ("_00000000000000cc",)],
        "LIKE 'tab": [("tabSingles",), ("tabNote",), ("tabGhost",)],
        "tabDocType": [("Note",)],
    }
    Journal.open(tmp_path, SITE, "20261121T000000Z-0000").append("begin", "done", database="_00000000000000bb", n=1)
    found = look("D37", AnsweringServer(answers, {}, surroundings=surroundings))
    assert found["databases"].evidence == ("_00000000000000aa",)
    assert found["accounts"].evidence == ("_00000000000000cc",)
    assert found[SITE].evidence == ("tabGhost",)
    assert look("D37", AnsweringServer(answers, {}, {}, surroundings=surroundings))[""].severity == "skipped"


class AnsweringSite:
    """A site with a bench in a folder, whose database answers from a list."""

    def __init__(self, path, setting, errors=()):
        self.bench = SimpleNamespace(bench=Bench(path))
        self.answers = {"SHOW GLOBAL VARIABLES": [("x", setting)] if setting else [], "tabError Log": list(errors)}

    def query(self, statement, _arguments=()):
        return next(rows for part, rows in self.answers.items() if part in statement)


def test_snapshot_isolation(tmp_path):
    def found(setting="ON", errors=()):
        (measurement,) = isolation_compatible(AnsweringSite(tmp_path, setting, errors))
        return measurement.value, measurement.severity

    with pytest.raises(NotApplicableError):
        found("")
    assert found("OFF") == (0, "")
    with pytest.raises(UnmeasurableError):
        found()
    source = tmp_path / "apps" / "frappe" / "frappe" / "database"
    source.mkdir(parents=True)
    (source / "database.py").write_text("code = 11020")
    assert found() == (1, "")
    assert found(errors=[(1,)]) == (1, "critical")
    (source / "database.py").write_text("RETRY = (1205, 1213, 1020)")
    assert found() == (0, "")
    (source / "folder.py").mkdir()
    with pytest.raises(UnmeasurableError):
        found()
