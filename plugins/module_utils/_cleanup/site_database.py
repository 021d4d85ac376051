"""The database of a site, with the site's own account, for what changes it on the primary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Callable

from .._bench.configuration import DatabaseAddress, database_address, read_configuration
from .._bench.layout import Bench, Site
from .._mariadb.connection import DEFAULT_PORT, LoginOptions, connect, fetch_all, server_errors
from .._system.errors import LifeboatError
from .tasks import Planned, Refusal, TaskContext

if TYPE_CHECKING:
    from pymysql.connections import Connection

CONNECT_SECONDS = 5
# A site writes times of its own zone. The one that is farthest behind is 12 hours behind: no row counts as older than
# it is, and at most a day is added to what is kept.
ZONES_SPAN = timedelta(hours=12)
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


def old_before(now: float, age_seconds: float) -> str:
    """Return the time before which a row is so old in every time zone, as the server writes it."""
    moment = datetime.fromtimestamp(now, timezone.utc) - timedelta(seconds=age_seconds) - ZONES_SPAN
    return moment.strftime(TIME_FORMAT)


def plan_sites(
    rule: str, context: TaskContext, look: Callable[[Site, Connection[Any]], Iterable[Planned]]
) -> Iterator[Planned]:
    """Yield what a rule finds in the database of each site; one that cannot be looked at does not stop the others.

    Args:
        rule: The id of the rule.
        context: The I/O.
        look: Looks at a site through a connection in its database.
    """
    for site in sites_of(context.benches):
        yield from _plan_site(rule, site, look)


def _plan_site(rule: str, site: Site, look: Callable[[Site, Connection[Any]], Iterable[Planned]]) -> list[Planned]:
    try:
        with site_connection(site) as connection, server_errors(f"look for what is old in {site.name}"):
            return list(look(site, connection))
    except LifeboatError as error:
        return [Refusal(rule, site.name, error.error_code, error.message)]


def sites_of(benches: Sequence[Bench]) -> Iterator[Site]:
    """Yield the sites of all benches."""
    for bench in benches:
        yield from bench.sites()


def site_of(benches: Sequence[Bench], parameters: Any) -> Site:
    """Return the site that a task names.

    Raises:
        ValueError: No bench of the host has it (now).
    """
    for site in sites_of(benches):
        if (str(site.bench.path), site.name) == (parameters["bench"], parameters["site"]):
            return site
    raise ValueError("no such site")


@contextmanager
def site_connection(site: Site, action: str = "clean up") -> Iterator[Connection[Any]]:
    """Yield a connection in a site's database, with which it may be changed.

    Args:
        site: The site.
        action: What is to be done to the database, for errors.

    Raises:
        LifeboatError: ``configuration_missing``, ``configuration_invalid``, ``mariadb_unreachable``,
            ``mariadb_access_denied``, ``server_read_only``.
    """
    address, login = site_login(site)
    try:
        connection = connect(login, address.db_name)
    except LifeboatError as error:
        if error.error_code != "mariadb_access_denied":
            raise
        raise LifeboatError(
            f"Cannot {action} the database of {site.name}: MariaDB at {login.address} refuses the account of its "
            "site_config.json. Correct db_user and db_password there. Nothing was changed in it.",
            error.error_code,
            error.details,
        ) from None
    with closing(connection):
        with server_errors(f"look whether the server of {site.name} takes writes"):
            _require_primary(connection, site, action)
        yield connection


@contextmanager
def replica_connection(site: Site, address: str) -> Iterator[Connection[Any]]:
    """Yield a connection to a replica of a site's server, with the site's account, which is replicated as well.

    Args:
        site: The site.
        address: ``host`` or ``host:port``.

    Raises:
        LifeboatError: ``mariadb_unreachable`` or ``mariadb_access_denied``.
    """
    host, _colon, port = address.partition(":")
    _address, login = site_login(site)
    there = replace(login, login_host=host, login_port=int(port or DEFAULT_PORT), login_unix_socket=None)
    with closing(connect(there)) as connection:
        yield connection


def site_login(site: Site) -> tuple[DatabaseAddress, LoginOptions]:
    """Return where a site's database is, and the site's own account.

    Raises:
        LifeboatError: ``configuration_missing`` or ``configuration_invalid``.
    """
    own, common = read_configuration(site.config_path), read_configuration(site.bench.common_config_path)
    address = database_address(own, common)
    return address, LoginOptions(
        login_user=address.db_user,
        login_password=str({**common, **own}.get("db_password") or ""),
        login_host=address.host,
        login_port=address.port,
        login_unix_socket=address.socket,
        connect_timeout=CONNECT_SECONDS,
    )


def why_no_writes(connection: Connection[Any]) -> str:
    """Say why a server is not to be written to, "" where it is; any account may ask."""
    ((read_only, innodb_read_only),) = fetch_all(connection, "SELECT @@read_only, @@innodb_read_only")
    if int(fetch_all(connection, "SHOW GLOBAL STATUS LIKE 'Slaves_running'")[0][1]) > 0:
        return "follows another one (it is a replica)"
    return "takes no writes (read_only)" if read_only or innodb_read_only else ""


def _require_primary(connection: Connection[Any], site: Site, action: str) -> None:
    """Refuse a server that takes no writes, and one that follows another."""
    state = why_no_writes(connection)
    if state:
        raise LifeboatError(
            f"Refused to {action} the database of {site.name}: its server {state}. Nothing was changed in it. Run this "
            "on the host of the primary, or end read_only once it is certain that this is the primary.",
            "server_read_only",
        )
