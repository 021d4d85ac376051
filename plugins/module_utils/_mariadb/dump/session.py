"""The settings of the session that a dump establishes, read from a fixed list and set by the loader itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .tokenizer import statement_refused

CHARACTER_SETS = frozenset((b"ascii", b"binary", b"latin1", b"utf8", b"utf8mb3", b"utf8mb4"))
SYNTAX_MODES = frozenset(
    (b"ANSI", b"ANSI_QUOTES", b"DB2", b"MAXDB", b"MSSQL", b"NO_BACKSLASH_ESCAPES", b"ORACLE", b"POSTGRESQL")
)

_SETTING = re.compile(
    rb"(?:NAMES\s+(?P<charset>\w+)"
    rb"|(?:SESSION\s+|@@(?:SESSION\.)?)?(?P<name>@?\w+)\s*=\s*(?P<value>'[^']*'|@{0,2}\w+|-?\d+))\s*(?:,\s*|$)",
    re.I,
)
_KNOWN_SETTINGS = frozenset(
    b"autocommit character_set_client character_set_results collation_connection foreign_key_checks note_verbosity "
    b"sql_mode sql_notes time_zone unique_checks".split()
)
_SAVED_SETTING = re.compile(rb"@(?:OLD|saved)_\w+\Z", re.I)
_TIME_ZONE = re.compile(rb"[-+]\d\d:\d\d\Z")
_SQL_MODE = re.compile(rb"[A-Z_0-9,]*\Z", re.I)
_WORD = re.compile(rb"\w+\Z")


@dataclass(frozen=True)
class SessionSettings:
    """The settings of the session that decide what a statement means; the loader sets them itself."""

    character_set: str = "utf8mb4"
    collation: str = ""
    sql_mode: str = "NO_AUTO_VALUE_ON_ZERO"
    time_zone: str = ""


class SessionReader:
    """Follows the SET statements of a dump."""

    def __init__(self) -> None:
        self.header = SessionSettings()
        self.current = SessionSettings()

    def read(self, text: bytes, line: int) -> None:
        """Follow one SET statement, given without its first word.

        Raises:
            LifeboatError: ``statement_refused`` for a variable or a value that no dump sets.
        """
        position = 0
        while position < len(text):
            setting = _SETTING.match(text, position)
            if setting is None:
                raise statement_refused(line, _name_of(text[position:]))
            if setting.group("charset"):
                self._set_character_set(setting.group("charset"), line)
                self.header = self.current
            else:
                self._read_variable(setting.group("name").lower(), setting.group("value").strip(b"'"), line)
            position = setting.end()

    def _read_variable(self, name: bytes, value: bytes, line: int) -> None:
        if _SAVED_SETTING.match(name):
            return
        if name not in _KNOWN_SETTINGS:
            raise statement_refused(line, "SET of a variable that no dump sets")
        if value.startswith(b"@"):
            self._restore(name)
        elif name == b"character_set_client":
            self._set_character_set(value, line)
        elif name == b"collation_connection":
            self.current = replace(self.current, collation=_plain_word(value, line))
        elif name == b"time_zone":
            if not _TIME_ZONE.match(value):
                raise statement_refused(line, "SET TIME_ZONE to something else than an offset")
            self.current = self.header = replace(self.current, time_zone=value.decode())
        elif name == b"sql_mode":
            self._set_sql_mode(value, line)

    def _set_character_set(self, value: bytes, line: int) -> None:
        if value.lower() not in CHARACTER_SETS:
            raise statement_refused(line, "SET NAMES to another character set than UTF-8 or latin1")
        self.current = replace(self.current, character_set=value.decode().lower())

    def _set_sql_mode(self, value: bytes, line: int) -> None:
        if not _SQL_MODE.match(value) or SYNTAX_MODES & set(value.upper().split(b",")):
            raise statement_refused(line, "SET SQL_MODE to a mode that changes how text is read")
        self.current = replace(self.current, sql_mode=value.decode())

    def _restore(self, name: bytes) -> None:
        if name == b"character_set_client":
            self.current = replace(self.current, character_set=self.header.character_set)
        elif name == b"collation_connection":
            self.current = replace(self.current, collation=self.header.collation)
        elif name == b"sql_mode":
            self.current = replace(self.current, sql_mode=self.header.sql_mode)


def _plain_word(value: bytes, line: int) -> str:
    if not _WORD.match(value):
        raise statement_refused(line, "SET of a variable to something else than a name")
    return value.decode()


def _name_of(text: bytes) -> str:
    return "SET GLOBAL" if re.match(rb"(?:GLOBAL\b|@@GLOBAL\.)", text, re.I) else "SET in a form that no dump has"
