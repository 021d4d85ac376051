"""Looking at a statement without its texts: strings, names and comments blanked, positions unchanged."""

from __future__ import annotations

import re

from .tokenizer import statement_refused

_STRINGS_AND_NAMES = rb"'[^'\\]*(?:\\.[^'\\]*)*'|\"[^\"\\]*(?:\\.[^\"\\]*)*\"|`[^`]*`"
_COMMENTS = rb"/\*(?!M?!).*?\*/|--[\x00-\x20][^\n]*|#[^\n]*"
_BLANKED = re.compile(_STRINGS_AND_NAMES + rb"|" + _COMMENTS, re.S)
_VERSIONED_START = re.compile(rb"/\*(M?)!(\d*)\s?")

# MariaDB writes this into the definition of a compressed column.
COMPRESSED_COLUMN = b"/*M!100301 COMPRESSED*/"
# What mariadb-dump of 11.4 and later sets about notes, in place of sql_notes; it changes nothing in the data.
_NOTE_SETTINGS = (
    b"/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */",
    b"/*M!100616 SET NOTE_VERBOSITY=@OLD_NOTE_VERBOSITY */",
)
# mariadb-dump wraps statements for servers from 4.0.0 to 5.6.0. MariaDB itself skips /*!50700 to /*!99999.
_EVERY_SERVER = range(40000, 50700)


def mask(text: bytes) -> bytes:
    """Blank the content of strings, names and comments; every byte keeps its position.

    Strings become ``'___'``, names a backtick, underscores and a backtick, comments spaces. A doubled quote reads as
    two strings side by side. Versioned comments stay: they are statements, see ``unwrap``.
    """
    return _BLANKED.sub(_blank, text)


def _blank(found: re.Match[bytes]) -> bytes:
    text = found.group()
    if text[:1] in (b"'", b'"', b"`"):
        return text[:1] + b"_" * (len(text) - 2) + text[-1:]
    return b" " * len(text)


def unwrap(text: bytes, line: int) -> bytes:
    """Take a statement out of its versioned comments, where every server that Frappe runs on would execute them.

    Raises:
        LifeboatError: ``statement_refused`` for a version that some server would skip, or a comment without an end.
    """
    masked = mask(text)
    pieces: list[bytes] = []
    position = 0
    start = _VERSIONED_START.search(masked)
    while start is not None:
        pieces.append(text[position : start.start()])
        end = masked.find(b"*/", start.end())
        if text.startswith(COMPRESSED_COLUMN, start.start()):
            pieces.append(COMPRESSED_COLUMN)
        elif text.startswith(_NOTE_SETTINGS, start.start()):
            pieces.append(text[start.end() : end] + b" ")
        elif start.group(1) or int(start.group(2) or 0) not in _EVERY_SERVER:
            raise statement_refused(line, "a versioned comment that only some servers execute")
        elif end < 0 or b"/*" in masked[start.end() : end]:
            raise statement_refused(line, "a versioned comment without an end of its own")
        else:
            pieces.append(text[start.end() : end] + b" ")
        position = end + 2
        start = _VERSIONED_START.search(masked, position)
    pieces.append(text[position:])
    return b"".join(pieces).strip()
