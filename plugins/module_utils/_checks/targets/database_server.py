"""A MariaDB server that the sites of this host use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._mariadb.connection import LoginOptions
from ..._recovery.login import LOCAL_HOSTS
from ..rates import Sample
from ..registry import UnmeasurableError
from ..slow_statements import SlowStatements, read_slow_statements
from .read_once import read_once
from .reader import DatabaseReader
from .target import Surroundings, Target

SYSTEM_SCHEMAS = frozenset({"information_schema", "mysql", "performance_schema", "sys"})
# The end of the slow log that checks read: about a tenth of a second's work.
SLOW_LOG_BYTES = 512 * 1024


class DatabaseServer(Target):
    """A MariaDB server, read through an administrator's account, or else through that of a site.

    Args:
        name: What names the server in findings.
        surroundings: The I/O of this run.
        logins: The accounts to try, an administrator's first, then those of the sites.
        site_names: The databases of this host's sites on this server, each with the name of its site.
    """

    def __init__(
        self, name: str, surroundings: Surroundings, logins: Sequence[LoginOptions], site_names: Mapping[str, str]
    ) -> None:
        super().__init__(name, surroundings)
        self.logins = tuple(logins)
        self.site_names = dict(site_names)
        self.database_names = tuple(self.site_names)
        self.reader = DatabaseReader(self.logins, patience=surroundings.patience)

    def query(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement that reads, and return its rows; raises UnmeasurableError as the reader does."""
        return self.reader.query(statement, arguments)

    @read_once
    def variables(self) -> dict[str, str]:
        """The server's global variables, names in lower case."""
        return {str(name).lower(): str(value) for name, value in self.query("SHOW GLOBAL VARIABLES")}

    @property
    def is_local(self) -> bool:
        """Whether the server runs on this host, so that its files and processes can be looked at."""
        return all(login.login_unix_socket or login.login_host in LOCAL_HOSTS for login in self.logins)

    def require_local(self) -> None:
        """Stop a check that looks at the host of the server.

        Raises:
            UnmeasurableError: The server runs elsewhere.
        """
        if not self.is_local:
            raise UnmeasurableError("the server runs on another host: run the checks there")

    def require_view_of_all_threads(self) -> None:
        """Stop a check that would see nothing but the threads of one site.

        Raises:
            UnmeasurableError: The account has not the privilege PROCESS.
        """
        granted = self.query(
            "SELECT 1 FROM information_schema.USER_PRIVILEGES"
            " WHERE PRIVILEGE_TYPE = 'PROCESS' AND REPLACE(GRANTEE, '''', '') = CURRENT_USER() LIMIT 1"
        )
        if not granted:
            raise UnmeasurableError("the account sees its own threads alone: give login_user of an administrator")

    def label(self, database: str) -> str:
        """Name a database in findings: the site that it is of, else the database itself."""
        return self.site_names.get(database, database)

    @read_once
    def schemas(self) -> tuple[str, ...]:
        """The databases to look into: those of this host's sites, or all of a server that has none here."""
        if self.database_names:
            return self.database_names
        return tuple(name for (name,) in self.query("SHOW DATABASES") if name not in SYSTEM_SCHEMAS)

    @read_once
    def slow_statements(self) -> SlowStatements:
        """The slow statements that can be read from here; raises LifeboatError where there are none to read."""
        return read_slow_statements(self.query, self.variables, limit_bytes=SLOW_LOG_BYTES)

    def is_on(self, variable: str) -> bool:
        """Tell whether a variable is a switch that is on."""
        return self.variables.get(variable, "").upper() in {"ON", "1"}

    def recent_increase(self, counter: str) -> float | None:
        """Return by how much a status counter grew between two samples, or None where that is not known."""
        try:
            return self.rates.increase(counter)
        except UnmeasurableError:
            return None

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

    def counter(self, name: str) -> float:
        """Return a status counter of the last sample.

        Raises:
            UnmeasurableError: This server has no such counter, or it could not be read.
        """
        if name not in self.status:
            raise UnmeasurableError(f"the server has no counter {name}")
        return self.status[name]

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
