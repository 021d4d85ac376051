"""The DocTypes of a site and their fields, as its database has them."""

from __future__ import annotations

from dataclasses import dataclass

from ..._mariadb.indexes import Query
from .facts import SchemaFacts

EVERYWHERE = ("DocField", "DocType", "User")


@dataclass(frozen=True)
class DocTypes:
    """The DocTypes of a site.

    Attributes:
        fields: The fields of each, its custom ones included.
        children: Those whose rows belong to documents of others.
        without_table: Those that have no table of their own: single and virtual ones.
    """

    fields: dict[str, frozenset[str]]
    children: frozenset[str]
    without_table: frozenset[str]

    @property
    def are_whole(self) -> bool:
        """Whether those that every site has are there, with their fields: without them, all others look like ghosts."""
        return all(self.fields.get(name) for name in EVERYWHERE)


def read_doctypes(query: Query, facts: SchemaFacts) -> DocTypes:
    """Read the DocTypes of a site; Frappe before version 13 knows no virtual ones.

    Args:
        query: Runs a statement in the site's database.
        facts: Its schema.
    """
    has_virtual = any((column.table, column.name) == ("tabDocType", "is_virtual") for column in facts.columns)
    is_virtual = "is_virtual" if has_virtual else "0"
    rows = query(f"SELECT name, istable, issingle, {is_virtual} FROM tabDocType")  # noqa: S608
    fields: dict[str, set[str]] = {str(row[0]): set() for row in rows}
    custom = " UNION SELECT dt, fieldname FROM `tabCustom Field`" if "tabCustom Field" in facts.tables else ""
    for doctype, field in query(f"SELECT parent, fieldname FROM tabDocField{custom}"):  # noqa: S608
        fields.setdefault(str(doctype), set()).add(str(field))
    names = {str(row[0]) for row in rows}
    return DocTypes(
        fields={name: frozenset(found) for name, found in fields.items() if name in names},
        children=frozenset(str(row[0]) for row in rows if row[1]),
        without_table=frozenset(str(row[0]) for row in rows if row[2] or row[3]),
    )
