"""schema.statement_use: which statements read a table more than before."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pymysql
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.slow_statements import Cursor
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema import statement_use
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.statement_use import (
    StatementCounts,
    StatementsBefore,
    StatementUse,
    StatementWatch,
    observe_statements,
    read_statements,
    settled,
    slower_statement,
    statements_as_dict,
    statements_before,
    statements_from_dict,
)

from tests.schema_facts import DATABASE, DAY_SECONDS, NOW, TODO

SELECT = "select `name` from `tabToDo` where `reference_name` = ?"
LOG, SCHEMA = "slow_log /log 1.000000", "performance_schema"
CURSOR = Cursor(1, 100)


def use(calls: int, rows: int, text: str = SELECT) -> StatementUse:
    return StatementUse(text, calls, rows)


def counts(origin: str = LOG, cursor: Cursor = CURSOR, **uses: StatementUse) -> StatementCounts:
    return StatementCounts(origin, uses, cursor)


def watch(days: float = 40, **uses: StatementUse) -> StatementWatch:
    return StatementWatch(NOW - days * DAY_SECONDS, counts(), uses)


def verdict(calls: int, rows: int, text: str = SELECT, **before: tuple[int, int]) -> str:
    found = watch(a=use(calls, rows, text))
    return slower_statement(StatementsBefore(found.since, before), found, TODO, 2.0)


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        (SELECT, True),
        ("select name from tabtodo order by creation", True),
        ("select `a`.`name` from `tabUser` `a` left join `tabToDo` on ?", True),
        ("select * from `tabToDo`", False),
        ("select * from `tabToDo Item` where ?", False),
        ("select * from tabtodos where ?", False),
    ],
    ids=["where", "no quotes", "join", "whole table", "longer name in quotes", "longer name"],
)
def test_statement_reads_a_table_where_it_chooses_rows_of_it(text: str, *, reads: bool) -> None:
    assert use(1, 1, text).reads(TODO) is reads


def test_statement_that_looks_at_more_rows_each_time_is_named() -> None:
    assert verdict(13, 300_000, a=(10, 10)) == (
        f"a statement looked at 99,997 rows each time, 3 times; before, it was 1: {SELECT}"
    )
    assert "before, nobody had seen it be slow" in verdict(3, 300_000)
    assert verdict(3, 300_000, SELECT + " and `a` = ?" * 50).endswith("…")


@pytest.mark.parametrize(
    ("calls", "rows", "before"),
    [(12, 200_000, (10, 0)), (13, 30_000, (10, 0)), (13, 260_000, (10, 200_000)), (10, 900_000, (10, 900_000))],
    ids=["twice alone", "few rows", "as many as before", "none since"],
)
def test_statement_that_is_as_it_was_is_let_pass(calls: int, rows: int, before: tuple[int, int]) -> None:
    assert verdict(calls, rows, a=before) == ""


def test_only_what_can_be_compared_is() -> None:
    slow = watch(a=use(3, 300_000))
    assert slower_statement(StatementsBefore(), slow, TODO, 2.0) == ""
    assert slower_statement(StatementsBefore(slow.since), slow, "tabUser", 2.0) == ""
    assert slower_statement(StatementsBefore(slow.since), None, TODO, 2.0) == ""


def test_before_is_known_after_long_enough() -> None:
    known = watch(1, a=use(5, 50), b=use(1, 1, "select ? from `tabUser` where ?"))
    assert statements_before(known, TODO, NOW, DAY_SECONDS) == StatementsBefore(known.since, {"a": (5, 50)})
    assert statements_before(known, TODO, NOW - 1, DAY_SECONDS) == StatementsBefore()
    assert statements_before(None, TODO, NOW, 0) == StatementsBefore()


def observed(known: StatementWatch | None, found: StatementCounts, now: float = NOW) -> StatementWatch:
    after = observe_statements(known, found, now)
    assert after is not None
    return after


def test_log_tells_what_was_added() -> None:
    begun = observed(None, counts(a=use(9, 90)))
    assert begun == StatementWatch(NOW, counts(a=use(9, 90))), "what ran before the watch does not count"
    more = observed(begun, counts(a=use(2, 20)), NOW + 60)
    assert (more.since, more.uses) == (NOW, {"a": use(2, 20)})
    assert observed(more, counts(a=use(1, 5), b=use(1, 7))).uses == {"a": use(3, 25), "b": use(1, 7)}


def test_sums_are_compared_with_those_of_the_last_run() -> None:
    begun = observed(None, counts(SCHEMA, a=use(9, 90)))
    grown = observed(begun, counts(SCHEMA, a=use(11, 95), b=use(2, 2)))
    assert grown.uses == {"a": use(2, 5), "b": use(2, 2)}
    restarted = observed(grown, counts(SCHEMA, a=use(1, 4)))
    assert restarted.uses["a"] == use(3, 9)


def test_watch_ends_with_what_is_told_and_begins_anew_where_other_statements_are() -> None:
    assert observe_statements(watch(), None, NOW) is None
    other = counts("slow_log /log 0.5")
    assert observed(watch(a=use(1, 1)), other) == StatementWatch(NOW, other)


def test_only_those_with_most_rows_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_use, "KEPT_STATEMENTS", 1)
    assert set(observed(watch(a=use(1, 10)), counts(b=use(1, 20))).uses) == {"b"}


def test_what_a_run_reads_itself_is_left_out() -> None:
    assert settled(None, counts()) is None
    assert settled(watch(), None) == watch()
    later = settled(watch(), counts(cursor=Cursor(1, 200)))
    assert later is not None
    assert later.last.cursor == Cursor(1, 200)


def test_watch_is_the_same_after_it_was_written() -> None:
    assert statements_from_dict(statements_as_dict(None)) is None
    name = statement_use.fingerprint_id(SELECT)
    for known in (
        StatementWatch(NOW, StatementCounts(LOG, {}, CURSOR), {name: use(2, 20)}),
        StatementWatch(NOW, StatementCounts(SCHEMA, {name: use(9, 90)}), {}),
    ):
        assert statements_from_dict(json.loads(json.dumps(statements_as_dict(known)))) == known


class Server:
    """Answers with its variables and with the sums of the performance schema, or denies them."""

    def __init__(self, denied: int = 0, **variables: str) -> None:
        self.denied, self.variables = denied, variables

    def query(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        if "VARIABLES" in statement:
            return list(self.variables.items())
        assert arguments == (DATABASE, 300)
        if self.denied:
            raise pymysql.err.OperationalError(self.denied, "denied")
        return [("SELECT NAME FROM `tabToDo` WHERE `status` = ? ", 3, 30)]


def test_performance_schema_tells_of_all_statements() -> None:
    found = read_statements(Server(performance_schema="ON").query, DATABASE, None)
    assert found is not None
    assert found.origin == SCHEMA
    assert [(each.calls, each.rows, each.reads(TODO)) for each in found.uses.values()] == [(3, 30, True)]
    assert read_statements(Server(1142, performance_schema="ON").query, DATABASE, None) is None
    with pytest.raises(pymysql.err.OperationalError):
        read_statements(Server(2013, performance_schema="ON").query, DATABASE, None)


def test_slow_log_tells_of_the_database_from_the_cursor_on(tmp_path: Path) -> None:
    log = tmp_path / "slow.log"
    entry = (
        "# User@Host: a[a] @ localhost []\n"
        "# Thread_id: 1  Schema: {}  QC_hit: No\n"
        "# Query_time: 2.0  Lock_time: 0.0  Rows_sent: 1  Rows_examined: 500\n"
        "SET timestamp=1;\nSELECT a FROM tabToDo WHERE b = 1;\n"
    )
    log.write_text(entry.format(DATABASE))
    variables = {"slow_query_log": "ON", "slow_query_log_file": "slow.log", "datadir": str(tmp_path)}
    server = Server(log_output="FILE", long_query_time="1.000000", hostname=socket.gethostname(), **variables)
    found = read_statements(server.query, DATABASE, None)
    assert found is not None
    assert found.origin == f"slow_log {log} 1.000000"
    assert (found.uses, found.cursor.end_bytes) == ({}, log.stat().st_size)
    log.write_text(log.read_text() + entry.format(DATABASE) * 2 + entry.format("_other"))
    more = read_statements(server.query, DATABASE, StatementWatch(NOW, found))
    assert more is not None
    assert [(each.calls, each.rows) for each in more.uses.values()] == [(2, 1000)]
