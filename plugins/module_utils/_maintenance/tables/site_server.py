"""The server of a site over two connections: one that works with the site's account, one that sees what all do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._bench.layout import Site
from ..._cleanup.site_database import site_connection, site_login
from ..._mariadb.connection import LoginOptions, connect, server_errors
from ..._mariadb.server import local_datadir, read_server_facts
from ..._recovery.login import administrator_login
from .statements import prepare_session

if TYPE_CHECKING:
    from pymysql.connections import Connection

ACTION_TEXT = "maintain"


@dataclass(frozen=True)
class SiteServer:
    """Both connections.

    Attributes:
        site: The site.
        database: Its database.
        own: With the account of the site: a server that is read-only refuses what it would change.
        administrator: May see, and end, what all others do.
        datadir: The data directory; None where it is on another host.
        version: The version of the server.
    """

    site: Site
    database: str
    own: Connection[Any]
    administrator: Connection[Any]
    datadir: Path | None
    version: str


@contextmanager
def site_server(site: Site, login: LoginOptions) -> Iterator[SiteServer]:
    """Connect to the server of a site.

    Args:
        site: The site.
        login: How its administrator logs in, as far as that was said.

    Raises:
        LifeboatError: As ``site_connection``, ``connect`` and ``server_errors``.
    """
    address, _own_login = site_login(site)
    admin = administrator_login(login, site.bench, site.name)
    task = server_errors(f"{ACTION_TEXT} the tables of {site.name}")
    with task, site_connection(site, ACTION_TEXT) as own, closing(connect(admin)) as administrator:
        facts = read_server_facts(administrator)
        prepare_session(own)
        yield SiteServer(site, address.db_name, own, administrator, local_datadir(facts), facts.version)
