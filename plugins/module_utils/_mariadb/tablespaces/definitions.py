"""The definitions of a set as statements that are safe to run: of forms that a site has, each of the name it says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Union

from ..dump.forms import CreateSequence, DefinerStatement, Form, FormReader
from ..dump.summary import plain_name
from ..dump.tables import CreateTable
from ..dump.tokenizer import Statement, statement_refused
from ..identifiers import quote_identifier
from .schema import SequenceDefinition, TableDefinition, TriggerDefinition, ViewDefinition

if TYPE_CHECKING:
    Definition = Union[TableDefinition, SequenceDefinition, ViewDefinition, TriggerDefinition]


def table_statement(table: TableDefinition, name: str) -> bytes:
    """Return the statement that creates a table under another name, or under its own.

    Raises:
        LifeboatError: ``statement_refused`` when it is something else than a table, or of another table or engine.
    """
    form = _read(FormReader(), table)
    if not isinstance(form, CreateTable) or form.engine.upper() != table.engine.upper():
        raise statement_refused(0, f"something else than the table {table.name}")
    return form.text.replace(form.name, quote_identifier(name).encode(), 1)


def sequence_statements(sequence: SequenceDefinition) -> tuple[bytes, bytes]:
    """Return the statements that create a sequence and make it go on with a value that it had not given out.

    Raises:
        LifeboatError: ``statement_refused`` when it is something else, or of another sequence.
    """
    form = _read(FormReader(), sequence)
    if not isinstance(form, CreateSequence):
        raise statement_refused(0, f"something else than the sequence {sequence.name}")
    return form.text, b"DO SETVAL(%b, %d, 0)" % (form.name, sequence.next_value)


def definer_statement(definition: ViewDefinition | TriggerDefinition) -> DefinerStatement:
    """Return a view or trigger, with the session under which it must be created.

    Raises:
        LifeboatError: ``statement_refused`` when it is something else or of another name, or reaches another database.
    """
    reader = FormReader()
    session = f"character_set_client = {definition.character_set}, collation_connection = {definition.collation}"
    if isinstance(definition, TriggerDefinition):
        session += f", sql_mode = '{definition.sql_mode}'"
    reader.session.read(session.encode(), 0)
    form = _read(reader, definition)
    if not isinstance(form, DefinerStatement):
        raise statement_refused(0, f"something else than the view or trigger {definition.name}")
    return form


def dependent_last(views: Iterable[ViewDefinition]) -> list[ViewDefinition]:
    """Order views so that one which names another one comes after it."""
    ordered: list[ViewDefinition] = []
    waiting = list(views)
    while waiting:
        ready = [view for view in waiting if not _named_by(view, waiting)] or waiting
        ordered += ready
        waiting = [view for view in waiting if view not in ready]
    return ordered


def _named_by(view: ViewDefinition, others: Iterable[ViewDefinition]) -> bool:
    return any(quote_identifier(other.name) in view.create for other in others if other is not view)


def _read(reader: FormReader, definition: Definition) -> Form:
    """Recognise a definition; one whose name is not what the set calls it would be counted and proven as another."""
    form = reader.read(Statement(definition.create.encode(), 0))
    name = getattr(form, "name", b"")
    if plain_name(name) != definition.name:
        raise statement_refused(0, f"another name than {definition.name}")
    return form
