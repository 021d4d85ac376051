"""Reading the values of rows; for the few small tables whose content matters, not for the load."""

from __future__ import annotations

import re
from collections.abc import Iterator

_VALUE = re.compile(
    rb"\s*(?:_\w+ )?(?:(?P<text>(?:'[^'\\]*(?:\\.[^'\\]*)*')+)|(?P<word>[^',()\s]+))\s*(?P<after>[,)])", re.S
)
_ESCAPE = re.compile(rb"\\(.)|''", re.S)
_ESCAPED = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a"}


def row_values(rows: bytes) -> Iterator[list[bytes | None]]:
    """Read rows as the tokenizer yields them: strings unescaped, numbers as they are written, NULL as None."""
    position = rows.find(b"(")
    while position >= 0:
        values: list[bytes | None] = []
        after = b","
        position += 1
        while after == b",":
            value = _VALUE.match(rows, position)
            if value is None:
                return
            text, word = value.group("text"), value.group("word")
            values.append(_unescape(text[1:-1]) if text is not None else None if word == b"NULL" else word)
            position, after = value.end(), value.group("after")
        yield values
        position = rows.find(b"(", position)


def _unescape(text: bytes) -> bytes:
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape.group(1), escape.group(1)) if escape.group(1) else b"'", text)
