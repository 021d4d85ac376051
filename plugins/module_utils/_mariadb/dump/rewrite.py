"""What is changed of a dump on its way: definitions alone, never a row."""

from __future__ import annotations

from ..identifiers import quote_identifier
from .forms import DefinerStatement
from .tables import CreateTable


def without_later_keys(table: CreateTable) -> bytes:
    """Return CREATE TABLE without the keys that can be added when the rows are in."""
    pieces = []
    position = 0
    for key in table.later_keys:
        pieces.append(table.text[position : key.start])
        position = key.end
    pieces.append(table.text[position:])
    return b"".join(pieces)


def statements_that_add_keys(table: CreateTable) -> list[bytes]:
    """Return the statements that add the keys: one for all, and one for each FULLTEXT key."""
    alter = b"ALTER TABLE " + table.name
    plain = [b" ADD " + key.definition for key in table.later_keys if not key.is_fulltext]
    together = [alter + b",".join(plain)] if plain else []
    return together + [alter + b" ADD " + key.definition for key in table.later_keys if key.is_fulltext]


def with_definer(statement: DefinerStatement, user: str, host: str) -> bytes:
    """Return a view or trigger that runs with the rights of an account; a view replaces its stand-in."""
    before = statement.before
    if statement.kind == "view" and b"REPLACE" not in before.upper():
        before = before.replace(b"CREATE", b"CREATE OR REPLACE", 1)
    account = f"DEFINER={quote_identifier(user)}@{quote_identifier(host)} "
    return before + account.encode() + statement.after
