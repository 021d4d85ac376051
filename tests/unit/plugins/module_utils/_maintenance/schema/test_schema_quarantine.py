"""schema.quarantine: when an index comes back by itself."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.quarantine import (
    Entry,
    Limits,
    begin_entry,
    judge,
    why_not_watchable,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.statement_use import (
    StatementCounts,
    StatementsBefore,
    StatementUse,
    StatementWatch,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.usage import Watch

from tests.schema_facts import DAY_SECONDS, NOW, TODO, entry, facts, index, watch

IGNORED = index("plain", is_ignored=True)
# Two whole readings a day of a table with 1000 rows, for 3 days and the one that has begun, and what nobody notices.
ALLOWANCE = 10_000 + 2 * 4 * 1000


def outcome(known: Entry | None = None, found: Watch | None = None, now: float = NOW, **values: Any) -> tuple[str, str]:
    schema = facts(**{"indexes": [IGNORED], **values})
    verdict = judge(known or entry(), schema, found or watch(), now, Limits())
    return verdict.outcome, verdict.reason


def test_entry_says_what_was_measured() -> None:
    measured = watch(rows_read={TODO: 500}, statements=100)
    begun = begin_entry(index("plain"), "KEY `plain` (`a`)", measured, "why", "kept", NOW, Limits())
    assert (begun.phase, begun.rows, begun.statements, begun.rows_per_statement) == ("planned", 500, 100, 5.0)
    assert (begun.key, begun.database, begun.kept) == ((TODO, "plain"), "_erp", "kept")
    assert begun.until >= NOW + 35 * DAY_SECONDS
    assert "ADD KEY `plain` (`a`)" in begun.create_statement


def test_index_needs_a_server_that_counts_and_has_counted() -> None:
    assert "counts neither" in why_not_watchable(None, NOW, Limits())
    assert "watched for 12.0 hours, and 24 are needed" in why_not_watchable(watch(0.5), NOW, Limits())
    assert why_not_watchable(watch(1), NOW, Limits()) == ""


def test_index_stays_while_it_is_watched() -> None:
    assert outcome() == ("keep", "it is watched")
    assert outcome(entry(phase="dropping"))[0] == "keep"
    assert outcome(entry(phase="planned"))[0] == "adopt"


def test_index_that_is_gone_was_dropped() -> None:
    assert outcome(indexes=[])[0] == "dropped"


def test_index_that_is_in_use_again_is_forgotten_unless_it_is_about_to_be_ignored() -> None:
    used = [index("plain")]
    assert outcome(indexes=used) == ("forget", "it is in use")
    assert outcome(entry(phase="planned"), indexes=used)[0] == "forget"
    assert outcome(entry(phase="planned", since=NOW - 60), indexes=used)[0] == "keep"


@pytest.mark.parametrize(
    ("known", "schema", "reason"),
    [
        (entry(database="_other"), {}, "another database"),
        (entry(), {"declared": frozenset({(TODO, "plain")})}, "a DocType declares it"),
        (entry(kept="long"), {}, "long, which did its work, is not in use"),
        (entry(kept="long"), {"indexes": [IGNORED, index("long", is_ignored=True)]}, "is not in use"),
        (entry(watch=1.0), {}, "does not count any more"),
    ],
    ids=["database", "declared", "kept is gone", "kept is ignored", "other watch"],
)
def test_index_comes_back_when_it_is_needed(known: Entry, schema: dict[str, Any], reason: str) -> None:
    found, why = outcome(known, **schema)
    assert (found, reason in why) == ("back", True)


def test_index_with_its_work_done_by_another_stays() -> None:
    assert outcome(entry(kept="long"), indexes=[IGNORED, index("long")])[0] == "keep"


def test_server_that_does_not_count_any_more_brings_it_back() -> None:
    verdict = judge(entry(), facts(indexes=[IGNORED]), None, NOW, Limits())
    assert verdict.outcome == "back"


@pytest.mark.parametrize(("rows", "expected"), [(ALLOWANCE + 200, "keep"), (ALLOWANCE + 201, "back")])
def test_index_comes_back_when_more_is_read_for_each_statement(rows: int, expected: str) -> None:
    # Before, one row for each statement; twice as many are let pass, of a hundred statements.
    known = entry(rows=50, statements=10, rows_per_statement=1.0)
    found, why = outcome(known, watch(rows_read={TODO: 50 + rows}, statements=110))
    assert found == expected
    if expected == "back":
        assert why == ("18,201 rows of tabToDo were read by 100 statements since, 182.0 each; before, it was 1.0")


def test_index_comes_back_when_one_statement_looks_at_more_rows_than_before() -> None:
    slow = StatementUse("select ? from `tabToDo` where `a` = ?", 3, 300_000)
    ran = StatementWatch(NOW - 40 * DAY_SECONDS, StatementCounts("performance_schema", {}), {"a": slow})
    known = entry(before=StatementsBefore(ran.since))
    verdict = judge(known, facts(indexes=[IGNORED]), watch(), NOW, Limits(), statements=ran)
    assert (verdict.outcome, "a statement looked at 100,000 rows each time" in verdict.reason) == ("back", True)
    begun = begin_entry(index("plain"), "KEY `plain` (`a`)", watch(), "why", "", NOW, Limits(), ran)
    assert begun.before == StatementsBefore(ran.since, {"a": (3, 300_000)})


def test_rows_without_statements_are_too_many_as_well() -> None:
    assert outcome(found=watch(rows_read={TODO: ALLOWANCE + 1}))[0] == "back"


def test_watch_ends_after_its_grace() -> None:
    ended = entry(until=NOW - 7 * DAY_SECONDS)
    assert outcome(ended) == ("back", "its watch has ended and nobody asked to drop it")
    assert outcome(entry(until=NOW - 7 * DAY_SECONDS + 1))[0] == "keep"
    wanted = judge(ended, facts(indexes=[IGNORED]), watch(), NOW, Limits(), is_to_be_dropped=True)
    assert wanted.outcome == "keep"
