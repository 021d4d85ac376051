"""Statements without their values: what is the same statement, and what may be shown of it."""

from __future__ import annotations

import hashlib
import re

SHOWN_CHARACTERS = 1000
_ID_DIGITS = 16
_TOKEN = re.compile(
    r"""
    (?P<comment>/\*.*?(?:\*/|\Z)|--(?=[\s\x00]|\Z)[^\n]*|\#[^\n]*)
    |(?P<string>(?:\b(?:[nNxXbB]|_\w+)\s*)?(?:'(?:[^'\\]|\\(?:.|\Z)|'')*(?:'|\Z)|"(?:[^"\\]|\\(?:.|\Z)|"")*(?:"|\Z)))
    |(?P<name>`(?:[^`]|``)*(?:`|\Z)|@@?[\w.$]+|[^\W\d][\w$]*)
    |(?P<number>0[xX][0-9a-fA-F]+|0[bB][01]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<space>\s+)
    |(?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_LIST = re.compile(r"\( ?\?(?: ?, ?\?)* ?\)")
_LISTS = re.compile(r"\(\?\)(?: ?, ?\(\?\))+")
# After these a minus belongs to the number; elsewhere it subtracts.
_BEFORE_A_SIGN = re.compile(
    r"(?:[(,=<>+*/%]|\b(?:and|or|not|between|limit|offset|values|select|then|else|when|by))\s*$"
)


def mask_literals(statement: str) -> str:
    """Return a statement on one line with every value as ``?`` and without comments; names stay as they are."""
    pieces: list[str] = []
    for token in _TOKEN.finditer(statement):
        kind = token.lastgroup
        if kind in ("string", "number"):
            if pieces and pieces[-1] == "-" and _BEFORE_A_SIGN.search("".join(pieces[-3:-1]).lower()):
                pieces.pop()
            pieces.append("?")
        elif kind in ("comment", "space"):
            if pieces and pieces[-1] != " ":
                pieces.append(" ")
        else:
            pieces.append(token.group())
    return "".join(pieces).strip(" ;")


def fingerprint(statement: str) -> str:
    """Return what all statements share that differ in their values only: in lower case, lists of values as one."""
    masked = "".join(
        token.group() if token.group().startswith("`") else token.group().lower()
        for token in _TOKEN.finditer(mask_literals(statement))
    )
    return _LISTS.sub("(?)", _LIST.sub("(?)", masked))


def fingerprint_id(fingerprint_text: str) -> str:
    """Return a stable short name of a fingerprint: 16 hexadecimal digits."""
    return hashlib.sha256(fingerprint_text.encode()).hexdigest()[:_ID_DIGITS]


def shown(fingerprint_text: str) -> str:
    """Cut a text without values to what a report can show."""
    if len(fingerprint_text) <= SHOWN_CHARACTERS:
        return fingerprint_text
    return fingerprint_text[: SHOWN_CHARACTERS - 1] + "…"


def is_plain_select(statement: str) -> bool:
    """Tell whether a text is one SELECT that neither writes a file or a variable nor takes locks."""
    words = [
        token.group().lower()
        for token in _TOKEN.finditer(statement.strip().rstrip(";"))
        if token.lastgroup not in ("comment", "space", "string")
    ]
    if "/*!" in statement or "/*M!" in statement or ";" in words or "into" in words:
        return False
    is_locking = any(pair in (("for", "update"), ("share", "mode")) for pair in zip(words, words[1:]))
    return words[:1] == ["select"] and not is_locking
