"""Proving that the books of an ERPNext site balance: debit is credit, for each company and each voucher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._mariadb.connection import fetch_all
from .._mariadb.identifiers import quote_identifier
from .._mariadb.server import list_tables
from .._system.quantities import count_text
from .findings import FAILED, OK, SKIPPED, Finding

if TYPE_CHECKING:
    from pymysql.connections import Connection

LEDGER_TABLE = "tabGL Entry"
# ERPNext rounds to the precision of the currency, mostly two digits, and books what is over as a row of its own.
TOLERANCE = "0.01"


@dataclass(frozen=True)
class Books:
    """The vouchers of one company, and how many of them do not balance."""

    vouchers: int
    unbalanced: int


def prove_ledger(connection: Connection[Any], database: str) -> Finding:
    """Prove the general ledger of a recovered site; a transaction that was cut in two would show here."""
    if LEDGER_TABLE not in list_tables(connection, database):
        return Finding("ledger", SKIPPED, "The site has no general ledger (no ERPNext).")
    ledger = f"{quote_identifier(database)}.{quote_identifier(LEDGER_TABLE)}"
    rows = fetch_all(
        connection,
        "SELECT COUNT(*), SUM(ABS(difference) > %s) FROM (SELECT company, SUM(debit) - SUM(credit) AS difference "  # noqa: S608
        f"FROM {ledger} GROUP BY company, voucher_type, voucher_no) AS vouchers GROUP BY company",
        (TOLERANCE,),
    )
    return judge_ledger([Books(int(vouchers), int(unbalanced or 0)) for vouchers, unbalanced in rows])


def judge_ledger(books: Sequence[Books]) -> Finding:
    """Judge the books of every company. Pure; neither names nor amounts are in the sentence.

    Where each voucher balances, so does each company.
    """
    vouchers = count_text(sum(company.vouchers for company in books), "voucher")
    companies = count_text(len(books), "set") + " of books"
    unbalanced = sum(company.unbalanced for company in books)
    if unbalanced:
        unsound = sum(company.unbalanced > 0 for company in books)
        text = f"Debit is not credit in {unbalanced} of {vouchers}, which are in {unsound} of {companies}."
        return Finding("ledger", FAILED, text)
    return Finding("ledger", OK, f"Debit is credit in each of {vouchers} in {companies}.")
