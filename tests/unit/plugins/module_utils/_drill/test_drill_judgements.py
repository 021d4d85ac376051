"""What the proofs of a drill say, without a server."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.database_proofs import (
    compare_rows,
    judge_apps,
    prove_site,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.files import judge_files
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.findings import Finding, names_text
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.freshness import judge_freshness
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.ledger import Books, judge_ledger
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.files_proof import FilesProof

POINT = datetime(2026, 11, 21, 3, 0, tzinfo=timezone.utc)
OF_A_SITE = {"__Auth": 2, "tabDefaultValue": 3, "tabInstalled Application": 1, "tabDocType": 0}


def test_names_are_shown_up_to_five() -> None:
    """And the others are counted."""
    assert names_text("cab") == "a, b, c"
    assert names_text("gfedcba") == "a, b, c, d, e and 2 more"


@pytest.mark.parametrize(
    ("counted", "expected", "outcome", "said"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, "ok", "3 rows in 2 tables, as the dump says."),
        ({"a": 1, "b": 2, "c": 7}, {"a": 1}, "ok", "1 row in 1 table, as the dump says."),
        ({"a": 1}, {"a": 2}, "failed", "1 tables have other rows than the dump says: a."),
        ({"a": 1}, {"a": 1, "b": 0}, "failed", "Tables of the dump are missing: b."),
        ({"a": 1}, {}, "skipped", "The dump does not say how many rows there are."),
    ],
    ids=["as many", "what is not known does not matter", "fewer", "a table is missing", "nothing is known"],
)
def test_rows_are_compared(counted: dict[str, int], expected: dict[str, int], outcome: str, said: str) -> None:
    """With what the set says of them."""
    assert compare_rows(counted, expected, "the dump") == Finding("rows", outcome, said)


@pytest.mark.parametrize(
    ("change", "outcome"),
    [({}, "ok"), ({"__Auth": 0}, "failed"), ({"tabDocType": None}, "failed")],
    ids=["whole", "nobody can log in", "a table is missing"],
)
def test_a_site_has_its_marks(change: dict[str, int | None], outcome: str) -> None:
    """Tables that every site has, and rows in those without which nobody can log in."""
    changed = {**OF_A_SITE, **change}
    assert prove_site({table: rows for table, rows in changed.items() if rows is not None}).outcome == outcome


@pytest.mark.parametrize(
    ("installed", "outcome", "said"),
    [
        ({"frappe": "15.1.0"}, "ok", "frappe 15.1.0"),
        ({}, "skipped", "does not list"),
        ({"frappe": "15.3.0"}, "failed", "frappe 15.3.0 (bench: 15.2.0)"),
        ({"hrms": "1.0"}, "failed", "does not have hrms"),
    ],
    ids=["older", "no app", "newer", "absent"],
)
def test_apps_are_compared_with_the_bench(installed: dict[str, str], outcome: str, said: str) -> None:
    """The bench must have each, and none older."""
    finding = judge_apps(installed, {"frappe": "15.2.0"})
    assert (finding.outcome, said in finding.text) == (outcome, True)


@pytest.mark.parametrize(
    ("before", "outcome"),
    [
        (timedelta(seconds=30), "ok"),
        (timedelta(hours=1), "ok"),
        (timedelta(hours=1, seconds=1), "failed"),
        (timedelta(minutes=-5), "ok"),
        (timedelta(minutes=-5, seconds=-1), "failed"),
    ],
    ids=["fresh", "at the limit", "too old", "clocks differ", "from after the recovery point"],
)
def test_the_newest_document_is_inside_the_window(before: timedelta, outcome: str) -> None:
    """Not far older than the recovery point, and not from after it."""
    kolkata = timezone(timedelta(hours=5, minutes=30))
    assert judge_freshness((POINT - before).astimezone(kolkata), POINT, 3600).outcome == outcome


def test_books_that_balance_are_counted() -> None:
    """Also those of a site that has no entry yet."""
    assert judge_ledger([Books(3, 0), Books(2, 0)]) == Finding(
        "ledger", "ok", "Debit is credit in each of 5 vouchers in 2 sets of books."
    )
    assert judge_ledger([]).outcome == "ok"


def test_an_unbalanced_voucher_fails_and_is_not_named() -> None:
    """How many there are, and in how many books."""
    assert judge_ledger([Books(3, 2), Books(2, 0)]) == Finding(
        "ledger", "failed", "Debit is not credit in 2 of 5 vouchers, which are in 1 of 2 sets of books."
    )


COUNTED = {"files": {"files": 2, "bytes": 2048}, "private_files": {"files": 1, "bytes": 0}}


def test_files_that_are_right_are_counted() -> None:
    """With what could not be compared, was not kept up, or is gone from the live site as well."""
    finding = judge_files(FilesProof(listed=6, matched=3, unchecked=1, outdated=1, missing=1), COUNTED, 0)
    assert finding == Finding(
        "files",
        "ok",
        "3 files (2.0 KiB) extracted; the database lists 6 files, 3 are right by checksum or size, "
        "1 have neither there, 1 differ from the database just as the live ones do, "
        "1 are gone from the live site as well.",
    )


def test_damaged_and_lost_files_fail() -> None:
    """A file that only the archives lack was lost by the backup."""
    finding = judge_files(FilesProof(listed=6, matched=3, damaged=1, missing=2), COUNTED, 2)
    assert finding.outcome == "failed"
    assert "1 are not what it knows by size and checksum and 2 are not in the archives, but on the live" in finding.text
