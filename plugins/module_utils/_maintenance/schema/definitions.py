"""How a table defines its columns and indexes, in the server's own words: so that nothing of them is lost."""

from __future__ import annotations

from ..._mariadb.identifiers import quote_identifier
from ..._mariadb.indexes import Query

_IGNORED = " IGNORED"


class Definitions:
    """What ``SHOW CREATE TABLE`` says, asked once a table.

    Args:
        query: Runs a statement in the site's database.
    """

    def __init__(self, query: Query) -> None:
        self._query = query
        self._lines: dict[str, list[str]] = {}

    def column(self, table: str, name: str) -> str:
        """Return how a table defines a column, without its name."""
        return self._line(table, f"  {quote_identifier(name)} ")

    def index(self, table: str, name: str) -> str:
        """Return how a table defines an index that is not unique: its name, its parts and all the rest."""
        start = f"  KEY {quote_identifier(name)} "
        line = self._line(table, start)
        return start.strip() + " " + (line[: -len(_IGNORED)] if line.endswith(_IGNORED) else line)

    def _line(self, table: str, start: str) -> str:
        if table not in self._lines:
            rows = self._query(f"SHOW CREATE TABLE {quote_identifier(table)}")
            self._lines[table] = str(rows[0][1]).splitlines()
        line = next(line for line in self._lines[table] if line.startswith(start))
        return line[len(start) :].rstrip(",")
