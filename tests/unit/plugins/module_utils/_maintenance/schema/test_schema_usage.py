"""schema.usage: what a server counts, from run to run."""

from __future__ import annotations

import json
from typing import Any

import pymysql
import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.usage import (
    observe,
    read_counters,
    watch_as_dict,
    watch_from_dict,
)

from tests.schema_facts import DATABASE, DAY_SECONDS, NOW, TODO, counters, watch

LATER = NOW + DAY_SECONDS
KEY = (TODO, "plain")


class Server:
    """Answers what it counts."""

    def __init__(self, denied: int = 0, **variables: str) -> None:
        self.variables = variables
        self.denied = denied

    def query(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        if "VARIABLES" in statement:
            return list(self.variables.items())
        if "'Uptime'" in statement:
            return [("Uptime", "3600")]
        if "Com_select" in statement:
            return [("Com_select", "100"), ("Com_update", "20")]
        assert arguments == (DATABASE,)
        if self.denied:
            raise pymysql.err.OperationalError(self.denied, "denied")
        return [(TODO, "plain", 7)] if "INDEX" in statement else [(TODO, 70)]


@pytest.mark.parametrize(
    ("variables", "source"),
    [
        ({"userstat": "ON", "performance_schema": "ON"}, "userstat"),
        ({"userstat": "OFF", "performance_schema": "ON"}, "performance_schema"),
    ],
    ids=["userstat", "performance_schema"],
)
def test_rows_are_counted_by_what_is_on(variables: dict[str, str], source: str) -> None:
    found = read_counters(Server(**variables).query, DATABASE, NOW)
    assert found is not None
    assert (found.source, found.statements, found.uptime_seconds) == (source, 120, 3600)
    assert (found.rows_read, found.index_rows) == ({TODO: 70}, {KEY: 7})


def test_nothing_is_counted_or_may_be_seen() -> None:
    assert read_counters(Server(userstat="OFF", performance_schema="OFF").query, DATABASE, NOW) is None
    assert read_counters(Server(1142, performance_schema="ON").query, DATABASE, NOW) is None
    with pytest.raises(pymysql.err.OperationalError):
        read_counters(Server(2013, performance_schema="ON").query, DATABASE, NOW)


def test_watch_begins_now_but_with_what_counts_since_the_server_was_started() -> None:
    first = counters(rows_read={TODO: 5}, index_rows={KEY: 3, (TODO, "idle"): 0}, statements=9)
    begun = observe(None, first, NOW)
    assert begun is not None
    assert (begun.since, begun.rows_read, begun.statements, begun.used) == (NOW, {}, 0, {KEY})
    always = observe(None, counters(source="performance_schema", rows_read={TODO: 5}, statements=9), NOW)
    assert always is not None
    assert (always.since, always.rows_read, always.statements) == (NOW - 100 * DAY_SECONDS, {TODO: 5}, 9)
    assert always.rows_per_statement(TODO) == pytest.approx(5 / 9)
    assert always.rows_per_statement("tabOther") == 0


def test_increase_is_added() -> None:
    before = watch(last=counters(rows_read={TODO: 5}, index_rows={KEY: 3}, statements=10), rows_read={TODO: 100})
    after = observe(
        before, counters(at=LATER, rows_read={TODO: 8, "tabNew": 2}, index_rows={KEY: 3}, statements=14), LATER
    )
    assert after is not None
    assert (after.rows_read, after.statements, after.used) == ({TODO: 103, "tabNew": 2}, 4, frozenset())
    assert after.since == before.since
    used = observe(after, counters(at=LATER, index_rows={KEY: 4}), LATER)
    assert used is not None
    assert used.used == {KEY}


def test_server_that_was_started_again_counts_from_nothing() -> None:
    before = watch(last=counters(rows_read={TODO: 5}, statements=10))
    again = counters(at=LATER, uptime_seconds=3600, rows_read={TODO: 8}, statements=14)
    after = observe(before, again, LATER)
    assert after is not None
    assert (after.rows_read, after.statements) == ({TODO: 8}, 14)
    # So do counters that somebody has set back.
    flushed = observe(before, counters(at=LATER, rows_read={TODO: 2}, statements=14), LATER)
    assert flushed is not None
    assert (flushed.rows_read, flushed.statements) == ({TODO: 2}, 4)


def test_watch_ends_with_the_counting_and_with_another_way_to_count() -> None:
    assert observe(watch(), None, NOW) is None
    other = observe(watch(), counters(source="performance_schema"), NOW)
    assert other is not None
    assert other.last.source == "performance_schema"
    assert other.since != watch().since


def test_watch_is_the_same_after_it_was_written() -> None:
    known = watch(last=counters(rows_read={TODO: 5}, index_rows={KEY: 3}), rows_read={TODO: 9}, used=frozenset({KEY}))
    assert watch_from_dict(json.loads(json.dumps(watch_as_dict(known)))) == known
