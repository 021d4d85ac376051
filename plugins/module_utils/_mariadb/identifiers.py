"""Names inside SQL text."""

from __future__ import annotations

import re

_UNSAFE_CHARACTER = re.compile(r"[^0-9A-Za-z_]")
_ENCODED_CHARACTER = re.compile(r"@([0-9a-fA-F]{4})")


def quote_identifier(name: str) -> str:
    """Quote the name of a database, table or column."""
    return "`" + name.replace("`", "``") + "`"


def quote_grant_pattern(database: str) -> str:
    r"""Quote a database for ``GRANT ... ON``, where ``_`` is a wildcard: an unescaped ``_abc`` also grants ``xabc``."""
    return quote_identifier(database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%"))


def quote_string(text: str) -> str:
    """Quote a string for a statement that takes no parameters (account statements)."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def decode_file_name(name: str) -> str:
    """Return a name as SQL knows it from the form that InnoDB and the data directory give it (``@0020`` is a space)."""
    return _ENCODED_CHARACTER.sub(lambda match: chr(int(match[1], 16)), name)


def encode_file_name(name: str) -> str:
    """Return the form that the data directory gives a name, the opposite of ``decode_file_name``."""
    return _UNSAFE_CHARACTER.sub(lambda match: f"@{ord(match[0]):04x}", name)
