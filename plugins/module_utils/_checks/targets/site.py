"""A site as checks see it: its folder, its configuration, and its database through its own account."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ..._bench.configuration import Configuration, DatabaseAddress, database_address, read_configuration
from ..._bench.layout import Site
from ..._bench.time_zone import site_time_zone
from ..._mariadb.connection import LoginOptions
from ..._system.errors import LifeboatError
from ..registry import UnmeasurableError
from .bench import BenchTarget
from .read_once import read_once
from .reader import DatabaseReader
from .target import Surroundings, Target


class SiteTarget(Target):
    """A site, read with the account that its own configuration names: what that may see is what the site may see."""

    def __init__(self, site: Site, bench: BenchTarget, surroundings: Surroundings) -> None:
        super().__init__(site.name, surroundings)
        self.site = site
        self.bench = bench
        self._opened: list[DatabaseReader] = []

    @read_once
    def configuration(self) -> Configuration:
        """The site's own configuration.

        Raises:
            UnmeasurableError: It cannot be read.
        """
        try:
            return read_configuration(self.site.config_path)
        except LifeboatError as error:
            raise UnmeasurableError(error.message) from None

    @property
    def merged(self) -> Configuration:
        """The site's configuration over that of its bench, as Frappe reads it."""
        return {**self.bench.common, **self.configuration}

    @read_once
    def address(self) -> DatabaseAddress:
        """Where the site's database is.

        Raises:
            UnmeasurableError: The configuration does not tell.
        """
        try:
            return database_address(self.configuration, self.bench.common)
        except LifeboatError as error:
            raise UnmeasurableError(error.message) from None

    @property
    def login(self) -> LoginOptions:
        """The site's own account."""
        address = self.address
        return LoginOptions(
            login_user=address.db_user,
            login_password=str(self.merged.get("db_password") or ""),
            login_host=address.host,
            login_port=address.port,
            login_unix_socket=address.socket,
            connect_timeout=self.surroundings.patience.connect_seconds,
        )

    @read_once
    def reader(self) -> DatabaseReader:
        """Connections in the site's database."""
        self._opened.append(DatabaseReader([self.login], self.address.db_name, self.surroundings.patience))
        return self._opened[-1]

    def query(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement that reads in the site's database, and return its rows; raises as the reader does."""
        return self.reader.query(statement, arguments)

    @read_once
    def system_settings(self) -> dict[str, str]:
        """The site's System Settings that have a value.

        Raises:
            UnmeasurableError: They cannot be read.
        """
        rows = self.query("SELECT field, value FROM tabSingles WHERE doctype = 'System Settings'")
        return {str(field): str(value) for field, value in rows if value is not None}

    @read_once
    def time_zone(self) -> ZoneInfo:
        """The time zone in which the site writes times.

        Raises:
            UnmeasurableError: This host does not know it.
        """
        zone = site_time_zone(self.system_settings.get("time_zone"))
        if zone is None:
            raise UnmeasurableError("this host does not know the site's time zone: install tzdata")
        return zone

    @property
    def local_now(self) -> datetime:
        """The time now as the site writes it: in its own time zone, and without saying so."""
        return datetime.fromtimestamp(self.now_seconds, self.time_zone).replace(tzinfo=None)

    def columns(self, table: str) -> set[str]:
        """Return the columns of a table, none where this version of Frappe has no such table."""
        rows = self.query(
            "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
            (self.address.db_name, table),
        )
        return {str(name) for (name,) in rows}

    def close(self) -> None:
        """Close the connections to the database, where any was opened."""
        for reader in self._opened:
            reader.close()
