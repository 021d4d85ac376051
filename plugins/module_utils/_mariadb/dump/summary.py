"""What a dump holds, found by reading it once to its end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .forms import CreateSequence, DefinerStatement, FormReader
from .literals import row_values
from .stream import SqlStream
from .tables import CreateTable
from .tokenizer import Comment, Rows, Statement, statements

INSTALLED_APPS_TABLE = b"`tabInstalled Application`"
FOOTER = re.compile(rb"-- Dump completed(?: on (\d{4}-\d\d-\d\d) +(\d{1,2}:\d\d:\d\d))?\s*\Z")
PARTIAL_MARK = b"-- Partial Backup"

_SECTION = re.compile(rb"-- \[([\w.-]+)\]\s*\Z")
_VERSION = re.compile(rb"-- version = (\S+)\s*\Z")
_HOST = re.compile(rb"-- Host: (\S*)\s+Database: (.*?)\s*\Z")
_SERVER_VERSION = re.compile(rb"-- Server version\s+(\S+)\s*\Z")


@dataclass
class DumpSummary:
    """What a dump holds.

    Attributes:
        complete: Whether its last line says that the dump was completed; nothing else proves that it is whole.
        header_versions: App to version, from Frappe's header.
        partial: Whether Frappe's header says that tables were left out.
        dump_host: The host of the server as the dump's author reached it.
        dump_database: The name of the database.
        server_version: The version of the server.
        table_names: The base tables, in their order.
        sequence_names: The sequences.
        view_names: The views.
        rows: Table to number of rows; empty unless the dump was read deep.
        collations: Collation to the tables that use it.
        sql_bytes: The length of the SQL.
        footer_time: The time in the last line, in the time zone of the host that wrote it, as ``YYYY-MM-DD HH:MM:SS``.
        installed_apps: App to version, from the rows of ``tabInstalled Application``.
        longest_statement_bytes: The longest statement that cannot be split: a definition, or one row; when the dump was
            not read deep, all rows of one INSERT.
    """

    complete: bool = False
    header_versions: dict[str, str] = field(default_factory=dict)
    partial: bool = False
    dump_host: str = ""
    dump_database: str = ""
    server_version: str = ""
    table_names: list[str] = field(default_factory=list)
    sequence_names: list[str] = field(default_factory=list)
    view_names: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    collations: dict[str, list[str]] = field(default_factory=dict)
    sql_bytes: int = 0
    footer_time: str | None = None
    installed_apps: dict[str, str] = field(default_factory=dict)
    longest_statement_bytes: int = 0

    @property
    def table_count(self) -> int:
        """The number of base tables."""
        return len(self.table_names)


def plain_name(quoted: bytes) -> str:
    """Return a name without its backticks."""
    return quoted[1:-1].replace(b"``", b"`").decode(errors="replace") if quoted[:1] == b"`" else quoted.decode()


def summarise_dump(stream: SqlStream, deep: bool) -> DumpSummary:
    """Read a dump to its end and say what it holds.

    Args:
        stream: The dump.
        deep: Whether each row is checked to be made of literals and counted; else rows are stepped over.
            Check sums, statements other than rows and the completion line are checked in both cases.

    Raises:
        LifeboatError: What the stream, the tokenizer and the forms refuse. A missing completion line is no error here.
    """
    reader = _SummaryReader(deep)
    for token in statements(stream, rows_of=None if deep else frozenset((INSTALLED_APPS_TABLE,))):
        if isinstance(token, Comment):
            reader.read_comment(token.text)
        elif isinstance(token, Statement):
            reader.read_statement(token)
        else:
            reader.read_rows(token)
    reader.summary.sql_bytes = stream.bytes_read
    return reader.summary


class _SummaryReader:
    def __init__(self, deep: bool) -> None:
        self.summary = DumpSummary()
        self._deep = deep
        self._forms = FormReader()
        self._in_header = True
        self._section = ""
        self._app_columns: tuple[bytes, ...] = ()

    def read_comment(self, text: bytes) -> None:
        footer = FOOTER.match(text)
        self.summary.complete = footer is not None
        if footer is not None and footer.group(1):
            self.summary.footer_time = f"{footer.group(1).decode()} {footer.group(2).decode().zfill(8)}"
        if self._in_header:
            self._read_header(text)

    def _read_header(self, text: bytes) -> None:
        summary = self.summary
        section, version = _SECTION.match(text), _VERSION.match(text)
        host, server = _HOST.match(text), _SERVER_VERSION.match(text)
        if section:
            self._section = section.group(1).decode()
        elif version and self._section:
            summary.header_versions[self._section] = version.group(1).decode(errors="replace")
        elif text.startswith(PARTIAL_MARK):
            summary.partial = True
        elif host:
            summary.dump_host = host.group(1).decode(errors="replace")
            summary.dump_database = host.group(2).decode(errors="replace")
        elif server:
            summary.server_version = server.group(1).decode(errors="replace")

    def read_statement(self, statement: Statement) -> None:
        self._in_header = False
        summary = self.summary
        summary.complete = False
        summary.longest_statement_bytes = max(summary.longest_statement_bytes, len(statement.text))
        form = self._forms.read(statement)
        if isinstance(form, CreateTable):
            name = plain_name(form.name)
            summary.table_names.append(name)
            if self._deep:
                summary.rows[name] = 0
            for collation in form.collations:
                summary.collations.setdefault(collation, []).append(name)
            if form.name == INSTALLED_APPS_TABLE:
                self._app_columns = form.columns
        elif isinstance(form, CreateSequence) and plain_name(form.name) not in summary.sequence_names:
            summary.sequence_names.append(plain_name(form.name))
        elif isinstance(form, DefinerStatement) and form.kind == "view":
            summary.view_names.append(plain_name(form.name))

    def read_rows(self, rows: Rows) -> None:
        summary = self.summary
        summary.complete = False
        name = plain_name(rows.table)
        summary.longest_statement_bytes = max(summary.longest_statement_bytes, rows.longest_row_bytes)
        if self._deep:
            summary.rows[name] = summary.rows.get(name, 0) + rows.count
        if rows.table == INSTALLED_APPS_TABLE:
            self._read_installed_apps(rows)

    def _read_installed_apps(self, rows: Rows) -> None:
        columns = re.findall(rb"`[^`]*`", rows.columns) or list(self._app_columns)
        for values in row_values(rows.text):
            row = dict(zip(columns, values))
            app, version = row.get(b"`app_name`"), row.get(b"`app_version`")
            if app:
                self.summary.installed_apps[app.decode(errors="replace")] = (version or b"").decode(errors="replace")
