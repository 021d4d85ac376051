"""What a statement in a binary log does, told from its text. Pure; no value of it is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..digest.fingerprint import mask_literals

# A statement that begins so changes rows by what it says, not by rows in the log: the format STATEMENT, or MIXED.
_ROW_WORDS = frozenset({"CALL", "DELETE", "DO", "INSERT", "LOAD", "REPLACE", "SELECT", "UPDATE", "VALUES", "WITH"})
_TWO_WORDS = frozenset({"ALTER", "CREATE", "DROP", "RENAME", "TRUNCATE", "ANALYZE", "OPTIMIZE", "REPAIR", "SET"})
# Between CREATE (or DROP) and what is created.
_ATTRIBUTES = re.compile(
    r"\b(?:OR\s+REPLACE|TEMPORARY|UNIQUE|FULLTEXT|SPATIAL|VECTOR|AGGREGATE|ONLINE|OFFLINE|IGNORE|"
    r"ALGORITHM\s*=\s*\w+|SQL\s+SECURITY\s+\w+|DEFINER\s*=\s*\S+(?:\s*@\s*\S+)?)\s+",
    re.IGNORECASE,
)
_EXECUTABLE_COMMENT = re.compile(r"/\*M?!\d*\s?(.*?)\*/", re.DOTALL)
_SET_STATEMENT = re.compile(r"\s*SET\s+STATEMENT\b.*?\bFOR\s+", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]+")
_NAME = r"(?:`(?:[^`]|``)+`|[\w$]+)"
_QUALIFIED = re.compile(rf"({_NAME})\s*\.\s*(?:{_NAME}|\*)")
_ANY_NAME = re.compile(_NAME)
_OF_DATABASE = re.compile(
    rf"(?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?(?:DATABASE|SCHEMA)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?({_NAME})",
    re.IGNORECASE,
)
_WITH_SELECT = re.compile(r"\bSELECT\b", re.IGNORECASE)
# Rows may make a statement long; its beginning says what it does.
_HEAD_CHARACTERS = 4096
_CONTROL_CHARACTERS = 64
_TRANSACTION_WORDS = frozenset({"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "START", "XA"})
# What ends a transaction that is not one statement alone, and what becomes of an XA transaction by it.
XA_ENDINGS = {"XA COMMIT": "commit", "XA ROLLBACK": "rollback"}
ENDINGS = frozenset({"COMMIT", "ROLLBACK", *XA_ENDINGS})


@dataclass(frozen=True)
class Statement:
    """A statement of a transaction.

    Attributes:
        kind: Its first words, in capitals: ``CREATE TABLE``, ``DROP DATABASE``, ``INSERT``.
        database: The default database when it ran; "" without one.
        text: The text of a statement that changes no rows by itself (a DDL); "" of one that does.
        changes_rows: Whether it changes rows by what it says: the log is then not of format ROW, and replaying it
            needs not lead to the same rows.
        databases: Those that it may concern: all that stand before a dot (aliases of tables may be among them) and the
            default one; of a statement about a database, that one alone.
        names: The identifiers in it, as they would be compared with the name of a table.
    """

    kind: str
    database: str
    text: str = field(repr=False)
    changes_rows: bool
    databases: frozenset[str]
    names: frozenset[str] = field(repr=False)


def read_statement(text: str, database: str) -> Statement:
    """Tell what a statement does.

    Args:
        text: As the log has it.
        database: The default database.
    """
    plain = _uncovered(text)
    kind = _kind(mask_literals(plain[:_HEAD_CHARACTERS]))
    is_of_rows = kind.split(" ", maxsplit=1)[0] in _ROW_WORDS
    masked = mask_literals(plain[:_HEAD_CHARACTERS] if is_of_rows else plain)
    changes_rows = is_of_rows or (kind == "CREATE TABLE" and _is_filled(masked))
    qualified = {_unquoted(match[1]) for match in _QUALIFIED.finditer(masked)}
    of_database = _OF_DATABASE.match(masked)
    databases = {_unquoted(of_database[1])} if of_database else qualified | ({database} - {""})
    names = frozenset(_unquoted(match.group()) for match in _ANY_NAME.finditer(masked))
    return Statement(kind, database, "" if changes_rows else text, changes_rows, frozenset(databases), names)


def transaction_control(text: str) -> str:
    """Return what a statement does to its transaction (``COMMIT``, ``SAVEPOINT``, ``XA END``); "" of any other one."""
    words = _WORD.findall(text[:_CONTROL_CHARACTERS].upper())
    if not words or words[0] not in _TRANSACTION_WORDS:
        return ""
    is_qualified = words[0] == "XA" or words[:2] == ["ROLLBACK", "TO"]
    return " ".join(words[: 2 if is_qualified else 1])


def _uncovered(text: str) -> str:
    """Return the statement without what stands before it: what MariaDB runs of comments stays, without its signs."""
    plain = _EXECUTABLE_COMMENT.sub(r" \1 ", text) if "!" in text else text
    prefix = _SET_STATEMENT.match(plain)
    return plain[prefix.end() :] if prefix else plain


def _kind(masked: str) -> str:
    word = _WORD.match(masked)
    if word is None:
        return ""
    first = word.group().upper()
    if first not in _TWO_WORDS:
        return first
    rest = masked[word.end() :].lstrip()
    while True:
        attribute = _ATTRIBUTES.match(rest)
        if attribute is None:
            break
        rest = rest[attribute.end() :]
    second = _WORD.match(rest)
    return f"{first} {second.group().upper()}" if second else first


def _is_filled(masked: str) -> bool:
    """Tell whether a CREATE TABLE takes its rows from a SELECT; no column can be called so without its quotes."""
    return bool(_WITH_SELECT.search(re.sub(r"`(?:[^`]|``)*`", "``", masked)))


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name
