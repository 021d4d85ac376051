"""The forms of statements that a dump of a site holds. Whatever is not one of them is refused by name, unexecuted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Union

from .masking import mask, unwrap
from .session import SessionReader, SessionSettings
from .tables import CreateTable, read_table
from .tokenizer import Statement, statement_refused


@dataclass(frozen=True)
class CreateSequence:
    """A sequence, or setting the value of one."""

    name: bytes
    text: bytes
    line: int


@dataclass(frozen=True)
class StandInView:
    """What mariadb-dump creates in place of a view until every view can be created."""

    name: bytes
    text: bytes
    line: int


@dataclass(frozen=True)
class DefinerStatement:
    """A view or trigger; ``before`` and ``after`` enclose the place of its DEFINER.

    Attributes:
        kind: ``view`` or ``trigger``.
        name: The name as it is written.
        session: The settings under which it must be created, since it keeps them.
    """

    kind: str
    name: bytes
    before: bytes
    after: bytes
    line: int
    session: SessionSettings


@dataclass(frozen=True)
class EndOfTable:
    """The rows of a table are complete."""


@dataclass(frozen=True)
class Ignored:
    """A statement that has no place in a load into an empty database of our own."""


Form = Union[CreateTable, CreateSequence, StandInView, DefinerStatement, EndOfTable, Ignored]

_NAME = rb"`[^`]*(?:``[^`]*)*`"
_ANY_NAME = rb"(?:`[^`]*(?:``[^`]*)*`|\w+)"
_IGNORED = re.compile(
    rb"(?:DROP\s+(?:TABLE|VIEW|SEQUENCE)\s+IF\s+EXISTS\s+%(name)s|LOCK\s+TABLES\s+%(name)s\s+(?:WRITE|READ(?:\s+LOCAL)?)"
    rb"|ALTER\s+TABLE\s+%(name)s\s+(?:DISABLE|ENABLE)\s+KEYS|COMMIT)\s*\Z" % {b"name": _NAME},
    re.I,
)
_UNLOCK = re.compile(rb"UNLOCK\s+TABLES\s*\Z", re.I)
_SEQUENCE = re.compile(
    rb"CREATE\s+SEQUENCE\s+(%s)(?:\s+(?:start\s+with|minvalue|maxvalue|increment\s+by|cache)\s+-?\d+"
    rb"|\s+(?:nominvalue|nomaxvalue|nocache|cycle|nocycle)|\s+ENGINE=(?:InnoDB|Aria|MyISAM))*\s*\Z" % _NAME,
    re.I,
)
_SET_SEQUENCE = re.compile(rb"DO\s+SETVAL\((%s),\s*-?\d+,\s*\d+(?:,\s*\d+)?\)\s*\Z" % _NAME, re.I)
_STAND_IN = re.compile(
    rb"CREATE\s+VIEW\s+(%(name)s)\s+AS\s+SELECT\s+(?:1|NULL)\s+AS\s+%(name)s(?:,\s*(?:1|NULL)\s+AS\s+%(name)s)*\s*\Z"
    % {b"name": _NAME},
    re.I,
)
_DEFINER = rb"(?:DEFINER\s*=\s*%(name)s(?:@%(name)s)?\s+)?" % {b"name": rb"(?:`[^`]*`|'[^']*'|\w+)"}
_VIEW = re.compile(
    rb"(CREATE\s+(?:OR\s+REPLACE\s+)?(?:ALGORITHM\s*=\s*\w+\s+)?)"
    + _DEFINER
    + rb"((?:SQL\s+SECURITY\s+\w+\s+)?VIEW\s+(%s)\s+.*)\Z" % _NAME,
    re.I | re.S,
)
_TRIGGER = re.compile(
    rb"(CREATE\s+)"
    + _DEFINER
    + rb"(TRIGGER\s+(%(any)s)\s+(?:BEFORE|AFTER)\s+(?:INSERT|UPDATE|DELETE)\s+ON\s+%(any)s\s+FOR\s+EACH\s+ROW\s.*)\Z"
    % {b"any": _ANY_NAME},
    re.I | re.S,
)
_QUALIFIED_SOURCE = re.compile(
    rb"\b(?:FROM|JOIN|INTO|UPDATE|TABLE|REFERENCES)[\s(]+(?:`_*`|\w+)\s*\.\s*[`\w]|`_*`\s*\.\s*`_*`\s*[.(]"
    rb"|\b\w+\.\w+\.\w",
    re.I,
)
_FORBIDDEN_IN_CODE = re.compile(
    rb"\b(OUTFILE|DUMPFILE|LOAD|LOAD_FILE|GRANT|REVOKE|INSTALL|UNINSTALL|GLOBAL|PREPARE|EXECUTE|SHUTDOWN|KILL"
    rb"|CREATE|DROP|ALTER|RENAME|USE)\b",
    re.I,
)
_CREATE_OF = re.compile(rb"CREATE\s+(?:OR\s+REPLACE\s+)?(?:DEFINER\s*=\s*\S+\s+)?([A-Za-z]+)", re.I)
_NAMED_OBJECTS = frozenset(
    b"DATABASE EVENT FUNCTION INDEX PACKAGE PROCEDURE ROLE SCHEMA SEQUENCE SERVER TABLE TABLESPACE TEMPORARY TRIGGER "
    b"UNIQUE USER VIEW".split()
)


class FormReader:
    """Recognises statements one after the other, following the settings of the session that the dump establishes."""

    def __init__(self) -> None:
        self.session = SessionReader()

    def read(self, statement: Statement) -> Form:
        """Recognise a statement.

        Raises:
            LifeboatError: ``statement_refused``, with its line and the name of its form.
        """
        line = statement.line
        text = unwrap(statement.text, line)
        word = text[:6].upper()
        if word.startswith(b"SET") and text[3:4].isspace():
            self.session.read(text[4:].strip(), line)
            return Ignored()
        if word == b"CREATE":
            return self._read_create(text, line)
        if _UNLOCK.match(text):
            return EndOfTable()
        if _IGNORED.match(text) or not text:
            return Ignored()
        value = _SET_SEQUENCE.match(text)
        if value:
            return CreateSequence(value.group(1), text, line)
        raise statement_refused(line, _name_of(text))

    def _read_create(self, text: bytes, line: int) -> Form:
        sequence = _SEQUENCE.match(text)
        if sequence:
            return CreateSequence(sequence.group(1), text, line)
        stand_in = _STAND_IN.match(text)
        if stand_in:
            return StandInView(stand_in.group(1), text, line)
        for kind, pattern in (("view", _VIEW), ("trigger", _TRIGGER)):
            found = pattern.match(text)
            if found:
                _check_code(found.group(2), kind, line)
                return DefinerStatement(
                    kind, found.group(3), found.group(1), found.group(2), line, self.session.current
                )
        if re.match(rb"CREATE\s+TABLE\b", text, re.I):
            return read_table(text, line)
        raise statement_refused(line, _name_of(text))


def _check_code(text: bytes, kind: str, line: int) -> None:
    masked = mask(text)
    if _QUALIFIED_SOURCE.search(masked):
        raise statement_refused(line, f"a {kind} that names another database")
    # The head of a view or trigger holds no such word, its own CREATE is not in the text.
    word = _FORBIDDEN_IN_CODE.search(masked)
    if word:
        raise statement_refused(line, f"a {kind} with {word.group(1).upper().decode()}")


def _name_of(text: bytes) -> str:
    """Name a refused statement by its keywords alone."""
    created = _CREATE_OF.match(text)
    if created:
        kind = created.group(1).upper()
        return f"CREATE {kind.decode()}" if kind in _NAMED_OBJECTS else "CREATE of something that no dump holds"
    word = re.match(rb"[A-Za-z]+", text)
    return f"{word.group().upper().decode()[:16]} in this form" if word else "text that begins no statement"
