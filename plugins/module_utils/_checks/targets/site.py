"""A site as checks see it: its folder, its configuration, and its database through its own account."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from ..._bench.configuration import Configuration, DatabaseAddress, database_address, read_configuration
from ..._bench.layout import Site
from ..._mariadb.connection import LoginOptions
from ..._system.errors import LifeboatError
from ..registry import UnmeasurableError
from .bench import BenchTarget
from .reader import DatabaseReader
from .target import Surroundings, Target

CONNECT_SECONDS = 2


class SiteTarget(Target):
    """A site, read with the account that its own configuration names: what that may see is what the site may see."""

    def __init__(self, site: Site, bench: BenchTarget, surroundings: Surroundings) -> None:
        super().__init__(site.name, surroundings)
        self.site = site
        self.bench = bench

    @cached_property
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

    @cached_property
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
            connect_timeout=CONNECT_SECONDS,
        )

    @cached_property
    def reader(self) -> DatabaseReader:
        """Connections in the site's database."""
        return DatabaseReader([self.login], self.address.db_name)

    def query(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run one statement that reads in the site's database, and return its rows; raises as the reader does."""
        return self.reader.query(statement, arguments)

    def close(self) -> None:
        """Close the connections to the database, where any was opened."""
        if "reader" in self.__dict__:
            self.reader.close()
