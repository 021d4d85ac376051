"""Cutting a dump into comments, statements and batches of rows: exactly, and without looking at single characters.

Rows are nearly all of a dump, so they have a path of their own: one regular expression a row, which accepts literals
and nothing else (no function, no subquery, no name), hence what it accepts cannot do anything but store data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol, Union

from ..._system.errors import LifeboatError

# What is worked on stays in the cache of a core.
BATCH_BYTES = 256 << 10
READ_BYTES = 256 << 10
ROW_LIMIT_BYTES = 64 << 20
# A CREATE TABLE with the 4096 columns that MariaDB allows stays below 1 MiB.
STATEMENT_LIMIT_BYTES = 4 << 20
COMMENT_LIMIT_BYTES = 64 << 10
# The regular expression engine remembers each repetition: more than this is matched in several steps.
PARTS_AT_ONCE = 10_000

_NAME = rb"`[^`]*(?:``[^`]*)*`"
_INSERT = re.compile(
    rb"INSERT\s+INTO\s+(%(name)s)(\s*\(\s*%(name)s(?:\s*,\s*%(name)s)*\s*\))?\s+VALUES\s*" % {b"name": _NAME}, re.I
)
# Between strings a row holds numbers and NULL. The text is searched with its escapes blanked, so a quote is a quote;
# a doubled quote reads as two strings side by side. White space only beside commas: `-- ` would begin a comment, and
# what is a string to us would be a statement to the server.
_BETWEEN = rb"[-+0-9.,NUL]*"
_BETWEEN_ONLY = re.compile(_BETWEEN)
# There is one way alone to read a row: where two were possible, the search would try all their combinations in a row
# that does not fit, and never end.
_SPECIAL_LITERAL = (
    rb"'[^']*'"
    rb"|(?<=[0-9])[eE][-+]?[0-9]+(?![0-9])"
    rb"|(?<=[,(]0)x[0-9A-Fa-f]*(?![0-9A-Fa-f])"
    rb"|(?<=[,(])\s+(?!\s)"
    rb"|(?<=['0-9L])\s+(?=[,)])"
    rb"|(?<=[,(\s])(?:_(?:binary|utf8mb4|utf8mb3) [bx]?|[bx])'[^']*'"
)
_PART = _BETWEEN + rb"(?:" + _SPECIAL_LITERAL + rb")"
_ROW = re.compile(rb"\((?:%s){0,%d}%s\)\s*([,;])\s*" % (_PART, PARTS_AT_ONCE, _BETWEEN))
# Rows as mariadb-dump writes them, a line each, with and without a further one behind.
_PLAIN_LINE = rb"\((?:%s'[^']*'){0,%d}%s\)" % (_BETWEEN, PARTS_AT_ONCE, _BETWEEN)
_PLAIN_ROW = re.compile(_PLAIN_LINE + b",")
_LAST_PLAIN_ROW = re.compile(_PLAIN_LINE + b";")
# All but those that mean the same in a statement and in a file; of backslashes and quotes the text is free already.
_UNUSUAL_ESCAPE = re.compile(rb"\\[^0bnrtZ\"]")
_PARTS = re.compile(rb"(?:%s){1,%d}" % (_PART, PARTS_AT_ONCE))
_ROW_END = re.compile(_BETWEEN + rb"\)\s*([,;])\s*")
_ROW_END_MARGIN_BYTES = 64

_BLANK = re.compile(rb"[ \t\r\n]*")
_WORD = re.compile(rb"[A-Za-z]+")
_SANDBOX = re.compile(rb"/\*M?!999999\\- enable the sandbox mode \*/[ \t]*\r?\n")
_DELIMITER = re.compile(rb"DELIMITER[ \t]+(;;?)[ \t]*\r?\n", re.I)
_SPECIAL = re.compile(rb"['\"`#;/-]")
_IN_STRING = {quote: re.compile(rb"[%s\\]" % quote) for quote in (b"'", b'"')}

STATEMENT_WORDS = frozenset((b"ALTER", b"COMMIT", b"CREATE", b"DO", b"DROP", b"INSERT", b"LOCK", b"SET", b"UNLOCK"))
# Named in a refusal; any other word could be a word of somebody's data.
REFUSED_WORDS = frozenset(
    b"ANALYZE BEGIN BINLOG CALL CHANGE CHARSET CLEAR CONNECT DEALLOCATE DELETE DELIMITER DESCRIBE EDIT EGO EXECUTE "
    b"EXIT EXPLAIN FLUSH GO GRANT HANDLER HELP INSTALL KILL LOAD NOPAGER NOTEE NOWARNING OPTIMIZE PAGER PREPARE "
    b"PRINT PROMPT PURGE QUIT REHASH RENAME REPAIR REPLACE RESET REVOKE ROLLBACK SANDBOX SELECT SHOW SHUTDOWN SOURCE "
    b"START STATUS SYSTEM TEE TRUNCATE UNINSTALL UPDATE USE WARNINGS WITH XA".split()
)


@dataclass(frozen=True)
class Comment:
    """A comment between statements, as it stands in the dump."""

    text: bytes
    line: int


@dataclass(frozen=True)
class Statement:
    """A statement other than the rows of a table, without its delimiter."""

    text: bytes
    line: int


@dataclass(frozen=True)
class Rows:
    """Some rows of a table: ``INSERT INTO table columns VALUES text`` is a statement.

    Attributes:
        table: The quoted name.
        columns: The quoted list of columns with its parentheses, or nothing.
        text: Rows with their parentheses and the commas between them; nothing when rows are skipped.
        count: How many rows; 0 when rows are skipped.
        line: The line of the first row.
        size_bytes: The length of the rows in the dump.
        longest_row_bytes: The length of the longest of them (of all of them, when rows are skipped).
        is_plain: Each row is a line of its own, of numbers, NULL and strings with the usual escapes: what the server
            reads as a line of a file, too.
    """

    table: bytes
    columns: bytes
    text: bytes
    count: int
    line: int
    size_bytes: int
    longest_row_bytes: int
    is_plain: bool = False


Token = Union[Comment, Statement, Rows]


class Source(Protocol):
    """Where the text comes from; nothing at its end."""

    def read(self, size: int = ...) -> bytes:
        """Return up to ``size`` bytes."""


def statement_refused(line: int, form: str) -> LifeboatError:
    """Make the error for a statement that a site's dump never holds.

    Args:
        line: The line in the unpacked dump; 0 for a definition that comes with tables as files.
        form: The name of the form. Never a part of the statement that could be data.
    """
    place = f"the dump at line {line}" if line else "a definition of the set"
    return LifeboatError(
        f"Refused {place}: it holds {form}, which no dump of a site's database does. It was not run. "
        "Choose another backup set, or find out who changed this one.",
        "statement_refused",
        {"line": line, "form": form},
    )


def statement_too_long(line: int, what: str, limit_bytes: int) -> LifeboatError:
    """Make the error for a row or statement that is longer than the server takes."""
    return LifeboatError(
        f"Gave up the dump at line {line}: {what} is longer than {limit_bytes} bytes. "
        "If the data is honest, raise max_allowed_packet of the server (a row may have up to 64 MiB).",
        "statement_too_long",
        {"line": line, "limit_bytes": limit_bytes},
    )


def statements(
    source: Source,
    *,
    batch_bytes: int = BATCH_BYTES,
    row_limit_bytes: int = ROW_LIMIT_BYTES,
    rows_of: frozenset[bytes] | None = None,
) -> Iterator[Token]:
    """Cut a dump into comments, statements and batches of rows.

    Args:
        source: The SQL, for example a ``SqlStream``.
        batch_bytes: How many bytes of rows come together at most, unless one row alone is longer.
        row_limit_bytes: The longest row that is accepted.
        rows_of: The quoted names of tables whose rows are wanted; those of others are then only stepped over.
            None wants, checks and counts all.

    Raises:
        LifeboatError: ``statement_refused``, ``statement_too_long``, ``artifact_incomplete`` when the text ends in the
            middle of a statement; and what the source raises.
    """
    return _Tokenizer(source, batch_bytes, row_limit_bytes, rows_of).tokens()


class _Tokenizer:
    def __init__(
        self, source: Source, batch_bytes: int, row_limit_bytes: int, rows_of: frozenset[bytes] | None
    ) -> None:
        self._source = source
        self._batch_bytes = batch_bytes
        self._row_limit_bytes = row_limit_bytes
        self._rows_of = rows_of
        self._text = bytearray()
        # The same text, as far as it is decided, with escaped backslashes and quotes blanked. Escapes exist only in
        # strings, where a run of backslashes pairs up from its left end.
        self._plain = bytearray()
        self._position = 0
        self._line = 1
        self._ended = False
        self._delimiter = b";"

    # -- the buffer

    def _more(self) -> bool:
        """Read on, forgetting what was consumed; tell whether there was more."""
        if self._ended:
            return False
        del self._text[: self._position]
        del self._plain[: self._position]
        self._position = 0
        content = self._source.read(READ_BYTES)
        if content:
            self._text += content
        else:
            self._ended = True
        decided = len(self._text)
        while not self._ended and decided > len(self._plain) and self._text[decided - 1] == ord("\\"):
            decided -= 1
        fresh = bytes(memoryview(self._text)[len(self._plain) : decided])
        if b"\\" in fresh:  # looking for one byte is far quicker than replacing two
            fresh = fresh.replace(b"\\\\", b"..").replace(b"\\'", b"..")
        self._plain += fresh
        return True

    def _have(self, size: int) -> None:
        """Read until so many bytes lie ahead, or the end is reached."""
        while len(self._plain) - self._position < size and self._more():
            pass

    def _step(self, end: int) -> None:
        """Consume the text up to a position."""
        self._line += self._text.count(b"\n", self._position, end)
        self._position = end

    def _take(self, end: int) -> bytes:
        """Consume the text up to a position and return it."""
        content = bytes(memoryview(self._text)[self._position : end])
        self._step(end)
        return content

    def _skip_blank(self) -> bool:
        """Step over white space; tell whether something follows."""
        while True:
            blank = _BLANK.match(self._text, self._position)
            self._step(blank.end() if blank else self._position)
            if self._position < len(self._text):
                return True
            if not self._more():
                return False

    # -- what stands between statements

    def tokens(self) -> Iterator[Token]:
        while self._skip_blank():
            self._have(64)
            head = bytes(self._text[self._position : self._position + 64])
            if _SANDBOX.match(head) or head.startswith((b"--", b"#")):
                yield self._line_comment(head)
            elif head.startswith(b"/*") and not head.startswith((b"/*!", b"/*M!")):
                yield self._block_comment()
            elif head[:6].upper() == b"INSERT":
                yield from self._insert()
            elif head[:9].upper() == b"DELIMITER":
                self._change_delimiter(head)
            else:
                self._check_first_word(head)
                yield self._statement()

    def _line_comment(self, head: bytes) -> Comment:
        if head.startswith(b"--") and head[2:3] not in (b"", b" ", b"\t", b"\n", b"\r"):
            raise statement_refused(self._line, "text that begins no statement")
        line = self._line
        end = self._find(b"\n", self._position, COMMENT_LIMIT_BYTES)
        return Comment(self._take(len(self._text) if end < 0 else end).rstrip(b"\r"), line)

    def _block_comment(self) -> Comment:
        line = self._line
        end = self._find(b"*/", self._position + 2, COMMENT_LIMIT_BYTES)
        if end < 0:
            raise self._incomplete()
        return Comment(self._take(end + 2), line)

    def _find(self, wanted: bytes, start: int, limit_bytes: int) -> int:
        """Find bytes ahead, reading on as needed; -1 when the text ends first."""
        offset = start - self._position
        while True:
            found = self._text.find(wanted, self._position + offset)
            if found >= 0:
                return found
            if len(self._text) - self._position > limit_bytes:
                raise statement_too_long(self._line, "a comment", limit_bytes)
            if not self._more():
                return -1

    def _change_delimiter(self, head: bytes) -> None:
        change = _DELIMITER.match(head)
        if change is None:
            raise statement_refused(self._line, "the client command DELIMITER with another delimiter than ;; or ;")
        self._delimiter = change.group(1)
        self._step(self._position + change.end())

    def _check_first_word(self, head: bytes) -> None:
        if head.startswith((b"/*!", b"/*M!")):
            return
        if head.startswith(b"\\"):
            raise statement_refused(self._line, "a client command that begins with a backslash")
        word = _WORD.match(head)
        name = word.group().upper() if word else b""
        if name in REFUSED_WORDS:
            raise statement_refused(self._line, name.decode())
        if name not in STATEMENT_WORDS:
            raise statement_refused(self._line, "text that begins no statement")

    def _incomplete(self) -> LifeboatError:
        return LifeboatError(
            f"Cannot read the dump: it ends in the middle of the statement that begins at line {self._line}. "
            "The dump was cut off while it was made or copied. Choose another backup set.",
            "artifact_incomplete",
            {"line": self._line},
        )

    # -- statements other than rows

    def _statement(self) -> Statement:
        line = self._line
        while True:
            end = self._statement_end()
            if end >= 0:
                break
            if len(self._text) - self._position > STATEMENT_LIMIT_BYTES:
                raise statement_too_long(line, "a statement that is no INSERT", STATEMENT_LIMIT_BYTES)
            if not self._more():
                raise self._incomplete()
        text = self._take(end).rstrip()
        self._step(end + len(self._delimiter))
        return Statement(text, line)

    def _statement_end(self) -> int:
        """Find the delimiter outside of strings, names and comments; -1 when it is not in the buffer."""
        text = self._text
        position = self._position
        while position >= 0:
            special = _SPECIAL.search(text, position)
            if special is None:
                return -1
            found, position = special.start(), special.end()
            character = special.group()
            if text.startswith(self._delimiter, found):
                return found
            if character in (b"'", b'"'):
                position = _string_end(text, position, character)
            elif character == b"`":
                position = _after(text, b"`", position)
            elif character == b"#" or (character == b"-" and _begins_comment(text, position)):
                position = _after(text, b"\n", position)
            elif text.startswith(b"/*", found) and not text.startswith((b"/*!", b"/*M!"), found):
                position = _after(text, b"*/", found + 2)
        return -1

    # -- rows

    def _insert(self) -> Iterator[Rows]:
        self._have(STATEMENT_LIMIT_BYTES if self._header() is None else 0)
        header = self._header()
        if header is None:
            raise statement_refused(self._line, "an INSERT of another form than INSERT INTO `table` VALUES")
        table, columns = header.group(1), header.group(2) or b""
        self._step(header.end())
        if self._rows_of is None or table in self._rows_of:
            yield from self._rows(table, columns)
        else:
            yield self._stepped_over(table, columns)

    def _header(self) -> re.Match[bytes] | None:
        header = _INSERT.match(self._text, self._position)
        return header if header and (header.end() < len(self._text) or self._ended) else None

    def _rows(self, table: bytes, columns: bytes) -> Iterator[Rows]:
        separator = b","
        while separator == b",":
            self._have(self._batch_bytes)
            plain_rows = self._plain_batch()
            end, scanned, count, longest, separator = plain_rows or self._batch()
            is_plain = plain_rows is not None and not _UNUSUAL_ESCAPE.search(self._plain, self._position, end)
            line, size_bytes = self._line, scanned - self._position
            text = bytes(memoryview(self._text)[self._position : end])
            self._step(scanned)
            yield Rows(table, columns, text, count, line, size_bytes, longest, is_plain)

    def _batch(self) -> tuple[int, int, int, int, bytes]:
        """Find complete rows ahead, one by one.

        Returns:
            The end of the last row's text, the beginning of what follows, the number of rows, the longest row's bytes,
            and what separates them from what follows.
        """
        match = _ROW.match
        plain = self._plain
        position = start = self._position
        limit = start + self._batch_bytes
        available = len(plain)
        count = longest = 0
        row = None
        while position < limit:
            row_ahead = match(plain, position)
            # White space may go on in what was not read yet; that is decided when more of it is there.
            if row_ahead is None or (row_ahead.end() == available and not self._ended and row_ahead.group(1) == b","):
                break
            if count and row_ahead.end() > limit:
                break
            row, count = row_ahead, count + 1
            longest = max(longest, row.end() - position)
            position = row.end()
            if row.group(1) == b";":
                break
        if row is None:
            return self._long_row()
        self._check_row_size(longest)
        return row.start(1), row.end(), count, longest, row.group(1)

    def _plain_batch(self) -> tuple[int, int, int, int, bytes] | None:
        """Find complete rows ahead as mariadb-dump writes them; None where there is no such: then another way decides.

        It accepts less than ``_ROW`` does: no literal but numbers, strings and NULL, each row on a line of its own. A
        line that fits from its first to its last byte is a row whatever its strings hold, because the one before ended
        outside of a string. Nearly all rows of a site are such, and this takes a tenth of the time.
        """
        start = self._position
        lines = bytes(memoryview(self._plain)[start : start + self._batch_bytes]).split(b"\n")
        lines.pop()  # what follows the last end of a line is not decided yet
        rows = list(takewhile(_PLAIN_ROW.fullmatch, lines))
        scanned = start + sum(map(len, rows)) + len(rows)
        separator = b","
        if len(rows) < len(lines) and _LAST_PLAIN_ROW.fullmatch(lines[len(rows)]):
            separator = b";"
            rows.append(lines[len(rows)])
            scanned += len(rows[-1]) + 1
        if not rows:
            return None
        return scanned - len(b",\n"), scanned, len(rows), max(map(len, rows)), separator

    def _long_row(self) -> tuple[int, int, int, int, bytes]:
        """Find the end of one row that is longer than the buffer, or has very many parts, or is none."""
        if self._plain[self._position : self._position + 1].strip(b"("):
            raise statement_refused(self._line, "an INSERT with something else than rows of literals")
        offset = 1
        while True:
            parts = _PARTS.match(self._plain, self._position + offset)
            while parts is not None:
                offset = parts.end() - self._position
                parts = _PARTS.match(self._plain, self._position + offset)
            end = _ROW_END.match(self._plain, self._position + offset)
            if end is not None and (self._ended or end.end() < len(self._plain)):
                size_bytes = end.end() - self._position
                self._check_row_size(size_bytes)
                return end.start(1), end.end(), 1, size_bytes, end.group(1)
            self._check_row_size(len(self._plain) - self._position)
            if self._is_refused_at(self._position + offset):
                raise statement_refused(self._line, "an INSERT with something else than literals in its rows")
            if not self._read_for_row():
                raise self._incomplete()

    def _read_for_row(self) -> bool:
        """Read on: as much again as there is, so that a long row is not searched once for each megabyte."""
        wanted = 2 * (len(self._plain) - self._position)
        if not self._more():
            return False
        while len(self._plain) - self._position < min(wanted, self._row_limit_bytes + READ_BYTES) and self._more():
            pass
        return True

    def _check_row_size(self, size_bytes: int) -> None:
        if size_bytes > self._row_limit_bytes:
            raise statement_too_long(self._line, "a row", self._row_limit_bytes)

    def _is_refused_at(self, position: int) -> bool:
        """Tell whether what stops the search is wrong, and not just cut off by the end of the buffer."""
        between = _BETWEEN_ONLY.match(self._plain, position)
        stop = between.end() if between else position
        rest = self._plain[stop : stop + _ROW_END_MARGIN_BYTES]
        if rest.startswith(b"'") or not rest.strip().strip(b")"):
            return False
        return self._ended or len(rest) == _ROW_END_MARGIN_BYTES

    def _stepped_over(self, table: bytes, columns: bytes) -> Rows:
        """Step over the rows of one statement: its end is the first ``;`` at a line's end that is in no string."""
        line, quotes, size_bytes = self._line, 0, 0
        while True:
            end = self._plain.find(b";\n", self._position)
            stop = end + 1 if end >= 0 else max(len(self._plain) - 1, self._position)
            quotes += self._plain.count(b"'", self._position, stop)
            size_bytes += stop - self._position
            self._step(stop)
            if end < 0 and not self._more():
                if self._plain[self._position :] != b";":
                    raise self._incomplete()
                self._step(len(self._plain))
                end = self._position
            if end >= 0 and quotes % 2 == 0:
                return Rows(table, columns, b"", 0, line, size_bytes, size_bytes)


def _begins_comment(text: bytearray, position: int) -> bool:
    """Tell whether a dash before a position begins a comment: two dashes and white space or a control character."""
    return text[position : position + 1] == b"-" and text[position + 1 : position + 2] <= b" "


def _after(text: bytearray, wanted: bytes, start: int) -> int:
    """Return the position after the next occurrence, or -1."""
    found = text.find(wanted, start)
    return found + len(wanted) if found >= 0 else -1


def _string_end(text: bytearray, position: int, quote: bytes) -> int:
    """Return the position after a string whose opening quote ends at a position, or -1.

    A doubled quote reads as two strings side by side, which ends at the same place.
    """
    special = _IN_STRING[quote].search(text, position)
    while special is not None and special.group() == b"\\":
        special = _IN_STRING[quote].search(text, special.end() + 1)
    return special.end() if special else -1
