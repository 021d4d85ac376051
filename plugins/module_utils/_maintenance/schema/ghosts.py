"""Tables, sequences and columns that no DocType knows any more. Pure; nothing is dropped."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..._checks.index_advice import FRAMEWORK_TABLES, TABLE_PREFIX
from ..._mariadb.identifiers import quote_identifier
from ..._system.quantities import bytes_text, count_text
from .facts import SchemaFacts

# What every table of a DocType has besides its fields (frappe.model: default_fields, child_table_fields,
# optional_fields).
STANDARD_COLUMNS = frozenset(
    {
        *("name", "owner", "creation", "modified", "modified_by", "docstatus", "idx", "doctype"),
        *("parent", "parentfield", "parenttype"),
    }
)
# Tables that Frappe makes for itself.
INTERNAL_PREFIX = "__"
SEQUENCE_SUFFIX = "_id_seq"
# Nobody makes such a DocType: trim-tables would take all of its data away.
FIELDS_LOST = "do not trim it: its DocType has no field at all, as where rows of tabDocField were lost"


@dataclass(frozen=True)
class Ghost:
    """Something in the database of which no DocType is left.

    Attributes:
        kind: ``table``, ``sequence`` or ``columns``.
        name: The table or the sequence.
        columns: The columns without a field, where those are meant.
        rows: About how many rows the table has.
        bytes: What the table takes.
        step: What shows them, and can take them away.
    """

    kind: str
    name: str
    columns: tuple[str, ...]
    rows: int
    bytes: int
    step: str

    @property
    def text(self) -> str:
        """Say it in one line."""
        if self.kind == "columns":
            return f"{self.name}: {', '.join(self.columns)} belong to no field: {self.step}"
        if self.kind == "sequence":
            return f"the sequence {self.name} belongs to no DocType: {self.step}"
        # The row of a DocType that was lost makes its whole table look like nobody's.
        warning = "; make sure that its DocType was meant to go" if self.rows else ""
        size = f"about {count_text(self.rows, 'row')}, {bytes_text(self.bytes)}"
        return f"{self.name} ({size}) belongs to no DocType{warning}: {self.step}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {**vars(self), "columns": list(self.columns)}


def find_ghosts(facts: SchemaFacts, fields: Mapping[str, Collection[str]], site: str) -> list[Ghost]:
    """Return what no DocType knows.

    Args:
        facts: The schema.
        fields: The fields of each DocType, its custom ones included; a DocType without fields is there as well.
        site: The name of the site.
    """
    known = {f"{TABLE_PREFIX}{doctype}": names for doctype, names in fields.items()}
    ghosts = [
        # Its form as JSON is always empty (frappe 15), so people are led to the text.
        Ghost("table", table.name, (), table.rows, table.bytes, _bench(site, "trim-database", "--dry-run"))
        for table in facts.tables.values()
        if not table.name.startswith(INTERNAL_PREFIX) and table.name not in {*known, *FRAMEWORK_TABLES}
    ]
    sequences = {_scrub(doctype) + SEQUENCE_SUFFIX for doctype in fields}
    ghosts += [
        Ghost("sequence", name, (), 0, 0, f"DROP SEQUENCE {quote_identifier(name)};")
        for name in facts.sequences
        if name.endswith(SEQUENCE_SUFFIX) and name not in sequences
    ]
    left: dict[str, list[str]] = {}
    for column in facts.columns:
        # Those that begin with an underscore are Frappe's own (_user_tags, _comments ...).
        is_standard = column.name in STANDARD_COLUMNS or column.name.startswith("_")
        if not is_standard and column.table in known and column.name not in known[column.table]:
            left.setdefault(column.table, []).append(column.name)
    for name, columns in left.items():
        table = facts.tables[name]
        step = _bench(site, "trim-tables", "--dry-run", "--format", "json") if known[name] else FIELDS_LOST
        ghosts.append(Ghost("columns", name, tuple(columns), table.rows, table.bytes, step))
    return ghosts


def _bench(site: str, *words: str) -> str:
    return shlex.join(["bench", "--site", site, *words])


def _scrub(doctype: str) -> str:
    return doctype.replace(" ", "_").replace("-", "_").lower()
