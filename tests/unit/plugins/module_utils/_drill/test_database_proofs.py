"""The proofs of a drill that ask a server, with what it could answer."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.database_proofs import (
    check_tables,
    count_rows,
    prove_apps,
    prove_secret,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.freshness import prove_freshness
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.ledger import prove_ledger
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter

from tests.unit.plugins.module_utils._recovery.answers import AnsweringConnection

TABLES = "information_schema.TABLES"
# As a server returns it: the site's zone is not in it.
FRESH = datetime.fromisoformat("2026-11-21 08:29:00")
POINT = datetime(2026, 11, 21, 3, 0, tzinfo=timezone.utc)


def answering(answers: dict[str, list[tuple[Any, ...]]]) -> Any:
    """Return a connection that answers from these rows, by a part of the statement."""
    return AnsweringConnection(list(answers.items()))


def test_a_damaged_table_is_named() -> None:
    """The last line of the answer counts: those before it are warnings."""
    connection = answering(
        {
            TABLES: [("a",), ("b",)],
            "CHECK TABLE `_x`.`a`": [("_x.a", "check", "warning", "1 client"), ("_x.a", "check", "status", "OK")],
            "CHECK TABLE `_x`.`b`": [("_x.b", "check", "error", "Corrupt")],
        }
    )
    finding = check_tables(connection, "_x", ProgressReporter())
    assert (finding.outcome, finding.text) == ("failed", "1 of 2 tables are damaged: b.")


def test_rows_are_counted_in_every_table() -> None:
    """As many statements as tables."""
    connection = answering({TABLES: [("a",), ("b",)], "FROM `_x`.`a`": [(3,)], "FROM `_x`.`b`": [(0,)]})
    assert count_rows(connection, "_x", ProgressReporter()) == {"a": 3, "b": 0}


@pytest.mark.parametrize(
    ("rows", "key", "outcome"),
    [([], "key", "skipped"), ([("token",)], None, "failed"), ([("token",)], "wrong", "failed")],
    ids=["nothing is stored", "no key is known", "another key"],
)
def test_secrets_that_nothing_opens_fail(rows: list[tuple[str]], key: str | None, outcome: str) -> None:
    """A recovered site would have lost them."""
    assert prove_secret(answering({"__Auth": rows}), "_x", key).outcome == outcome


def test_a_site_without_its_list_of_apps_is_not_judged() -> None:
    """Sites before version 13 have none."""
    assert prove_apps(answering({TABLES: [("tabUser",)]}), "_x", {}).outcome == "skipped"


def test_apps_are_read_from_the_site() -> None:
    """With what it says of their versions, if anything."""
    answers = {TABLES: [("tabInstalled Application",)], "SELECT app_name": [("frappe", "15.1.0"), ("hrms", None)]}
    finding = prove_apps(answering(answers), "_x", {"frappe": "15.2.0"})
    assert (finding.outcome, "hrms" in finding.text) == ("failed", True)


def test_a_site_without_erpnext_has_no_books() -> None:
    """Nor anything to balance."""
    assert prove_ledger(answering({TABLES: [("tabUser",)]}), "_x").outcome == "skipped"


def test_books_are_summed_by_the_server() -> None:
    """A company a row."""
    answers = {TABLES: [("tabGL Entry",)], "GROUP BY company": [(3, 0), (2, 1)]}
    assert prove_ledger(answering(answers), "_x").outcome == "failed"


@pytest.mark.parametrize(
    ("zone", "newest", "outcome"),
    [
        ([("Asia/Kolkata",)], FRESH, "ok"),
        ([("UTC",)], FRESH, "failed"),
        ([("Nowhere/At all",)], FRESH, "skipped"),
        ([], FRESH, "ok"),
        ([(None,)], FRESH, "ok"),
        ([("UTC",)], None, "skipped"),
        ([("UTC",)], "0000-00-00", "skipped"),
    ],
    ids=["fresh", "of another zone", "unknown zone", "no zone", "an empty zone", "no document", "no date"],
)
def test_times_are_those_of_the_site(zone: list[tuple[str]], newest: object, outcome: str) -> None:
    """Its zone decides what a time means."""
    answers = {TABLES: [("tabUser",)], "tabSingles": zone, "MAX(modified)": [(newest,)]}
    assert prove_freshness(answering(answers), "_x", POINT, 3600).outcome == outcome


def test_freshness_that_is_not_asked_for_is_not_looked_at() -> None:
    """Nothing is read."""
    assert prove_freshness(answering({}), "_x", POINT, 0).outcome == "skipped"
