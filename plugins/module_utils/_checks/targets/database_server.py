"""A MariaDB server that the sites of this host use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from ..._mariadb.connection import LoginOptions
from ..rates import Sample
from ..registry import UnmeasurableError
from .reader import DatabaseReader
from .target import Surroundings, Target


class DatabaseServer(Target):
    """A MariaDB server, read through an administrator's account, or else through that of a site.

    Args:
        name: What names the server in findings.
        surroundings: The I/O of this run.
        logins: The accounts to try, an administrator's first, then those of the sites.
        database_names: The databases of this host's sites on this server.
    """

    def __init__(
        self, name: str, surroundings: Surroundings, logins: Sequence[LoginOptions], database_names: Sequence[str]
    ) -> None:
        super().__init__(name, surroundings)
        self.logins = tuple(logins)
        self.database_names = tuple(database_names)
        self.reader = DatabaseReader(self.logins)

    def query(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement that reads, and return its rows; raises UnmeasurableError as the reader does."""
        return self.reader.query(statement, arguments)

    @cached_property
    def variables(self) -> dict[str, str]:
        """The server's global variables, names in lower case."""
        return {str(name).lower(): str(value) for name, value in self.query("SHOW GLOBAL VARIABLES")}

    def number(self, variable: str) -> float:
        """Return a variable that is a number.

        Raises:
            UnmeasurableError: This server has no such number.
        """
        number = _number(self.variables.get(variable))
        if number is None:
            raise UnmeasurableError(f"the server has no number {variable}")
        return number

    @property
    def status(self) -> dict[str, float]:
        """The server's status counters of the last sample.

        Raises:
            UnmeasurableError: They could not be read.
        """
        if not self.samples:
            raise UnmeasurableError("the server's status could not be read")
        return dict(self.samples[-1].counters)

    def read_sample(self) -> Sample:
        """Read the server's status counters; what is no number is left out."""
        rows = self.query("SHOW GLOBAL STATUS")
        at_seconds = self.now_seconds
        counters = {str(name): number for name, value in rows if (number := _number(value)) is not None}
        return Sample(at_seconds, at_seconds - counters.get("Uptime", 0.0), counters)

    def close(self) -> None:
        """Close the connections."""
        self.reader.close()


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
