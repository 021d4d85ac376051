from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymysql
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import assessment_corruption
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.assessment_corruption import (
    assess_corruption,
    damage_lines,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.unit.plugins.module_utils._recovery.answers import AnsweringConnection

DATABASE = "_1c8e72aa0b3d4f65"


def server(tables: Sequence[tuple[Any, ...]], hostname: str = "", **answers: Any) -> AnsweringConnection:
    """Build a server with tables of (name, engine, comment, has a primary key); answers by a part of the statement."""
    facts = ("10.11.9", "/var/lib/mysql/", hostname or "db1", 3306, 1, 16_777_216, 16_384, 0)
    return AnsweringConnection(
        [
            ("SELECT @@version", [facts]),
            ("information_schema.TABLES", list(tables)),
            *((name, answer) for name, answer in answers.items()),
            ("@@log_error", [("error.log",)]),
            ("CHECK TABLE", [("t", "check", "status", "OK")]),
            ("COUNT", [(3,)]),
        ]
    )


def assess(connection: Any, log: Path | None = None) -> dict[str, Any]:
    return assess_corruption(connection, DATABASE, log, ProgressReporter(), 5.0)


def test_sound_tables(tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    log.write_text("2026-11-21 [Note] ready\n")
    connection = server([("tabNote", "InnoDB", "", 1), ("__Auth", "InnoDB", "", 0), ("tabError Log", "MyISAM", "", 1)])
    found = assess(connection, log)
    assert (found["outcomes"], found["damaged"]) == ({"ok": 3}, [])
    assert "0 of 3 tables" in found["summary"][0]
    assert "does not speak of damage" in found["summary"][-1]
    said = "\n".join(connection.statements)
    assert f"FROM `{DATABASE}`.`tabNote` FORCE INDEX (PRIMARY)" in said
    assert not re.search(r"__Auth` FORCE", said)
    assert "CHECK TABLE `_1c8e72aa0b3d4f65`.`tabError Log` QUICK" in said


def test_damaged_tables(tmp_path: Path) -> None:
    broken = pymysql.err.OperationalError(1034, "Index for table 'tabNote' is corrupt")
    check = [("t", "check", "error", "Size of datafile is: 1"), ("t", "check", "error", "Corrupt")]
    connection = server(
        [("tabNote", "InnoDB", "", 1), ("tabError Log", "MyISAM", "", 1), ("tabGone", None, "doesn't exist", 0)],
        **{"`tabNote`": broken, "`tabError Log`": check},
    )
    found = assess(connection, tmp_path / "none")
    texts = {finding["table"]: finding["text"] for finding in found["damaged"]}
    assert texts == {
        "tabNote": "Index for table 'tabNote' is corrupt (error 1034)",
        "tabError Log": "Size of datafile is: 1; Corrupt",
        "tabGone": "The server cannot open it: doesn't exist",
    }
    assert "tabGone (unknown engine)" in found["summary"][3]
    assert "was not read: No such file or directory" in found["summary"][-1]


def test_a_slow_table_is_not_called_damaged(tmp_path: Path) -> None:
    slow = pymysql.err.OperationalError(1969, "Query execution was interrupted (max_statement_time exceeded)")
    found = assess(server([("tabGL Entry", "InnoDB", "", 1)], **{"`tabGL Entry`": slow}), tmp_path)
    assert found["damaged"] == []
    assert found["not_checked"][0]["text"] == "Not read to its end within 5 seconds."


def test_a_server_that_goes_away_is_left_alone(tmp_path: Path) -> None:
    lost = pymysql.err.OperationalError(2013, "Lost connection")
    tables = [("tabA", "InnoDB", "", 1), ("tabB", "InnoDB", "", 1), ("tabC", None, "", 1)]
    connection = server(tables, **{"`tabA`": lost})
    found = assess(connection, tmp_path)
    assert [finding["table"] for finding in found["damaged"]] == ["tabA"]
    assert [finding["table"] for finding in found["not_checked"]] == ["tabB", "tabC"]
    assert not [statement for statement in connection.statements if "tabB" in statement]


def test_no_tables_at_all(tmp_path: Path) -> None:
    assert "has no tables" in assess(server([]), tmp_path)["summary"][0]


def test_the_log_of_another_host_is_not_looked_for() -> None:
    found = assess(server([("tabNote", "InnoDB", "", 1)]))
    assert found["error_log"]["readable"] is False
    assert "db1" in found["summary"][-1]


def test_the_log_of_this_host_is_found_from_the_servers_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "error.log"
    log.write_text(f"[ERROR] InnoDB: File './{DATABASE}/tabNote.ibd' is corrupted\n")
    connection = server([("tabNote", "InnoDB", "", 1)], socket.gethostname(), **{"@@log_error": [(str(log),)]})
    found = assess(connection)
    assert found["error_log"]["tables"] == ["tabNote"]
    assert "speaks of damage 1 times" in found["summary"][-1]
    monkeypatch.setattr(assessment_corruption, "ERROR_LOG_TAIL_BYTES", 5)
    assert assess(connection)["error_log"]["count"] == 0
    to_journal = server([("tabNote", "InnoDB", "", 1)], socket.gethostname(), **{"@@log_error": [("",)]})
    assert assess(to_journal)["error_log"]["path"] is None


def test_quoted_rows_of_the_log_are_cut_off() -> None:
    lines = [
        "[ERROR] Table './x/tabNote' is marked as crashed Query: INSERT INTO tabNote VALUES ('secret')",
        "[ERROR] Slave SQL: Duplicate entry 'secret' for key 'PRIMARY'",
        "[Note] InnoDB: corrupt is not what this is",
        "[ERROR] InnoDB: page is corrupted " + "x" * 400,
    ]
    shown = damage_lines(lines)
    assert len(shown) == 2
    assert not [line for line in shown if "secret" in line or len(line) > 300]
