"""Looks at what is live before a recovery. Reads only, and copes with whatever is broken or gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._bench.configuration import is_on, read_configuration
from .._bench.layout import Site
from .._mariadb.connection import fetch_all
from .._mariadb.identifiers import quote_identifier
from .._mariadb.server import database_exists, list_tables
from .._system.errors import LifeboatError
from .plan import LiveSite
from .site_values import MAINTENANCE_MODE
from .surroundings import common_configuration

if TYPE_CHECKING:
    from pymysql.connections import Connection

SETTINGS_TABLE = "tabSingles"


def survey_live_site(
    connection: Connection[Any], site: Site, set_configuration: Mapping[str, Any], last_database: str = ""
) -> LiveSite:
    """Return what is live.

    Where the site's own configuration cannot be read, the database that the last recovery made live is taken for the
    live one, else the one that the set's configuration names, if the server has it: it has to be fenced as well.

    Args:
        connection: To the server.
        site: The site.
        set_configuration: The configuration in the set.
        last_database: The database in which the last recovery left the site; "" where there was none.
    """
    try:
        configuration, valid = read_configuration(site.config_path), True
    except LifeboatError:
        configuration, valid = {}, False
    named = str(configuration.get("db_name") or "")
    candidates = [named] if named else [last_database, str(set_configuration.get("db_name") or "")]
    database = next((name for name in candidates if name and database_exists(connection, name)), "")
    exists = bool(database)
    tables = list_tables(connection, database) if exists else []
    return LiveSite(
        site_exists=site.exists(),
        configuration=configuration,
        configuration_valid=valid,
        database=database or named,
        database_exists=exists,
        table_count=len(tables),
        data_bytes=_data_bytes(connection, database) if exists else 0,
        scheduler_enabled=_scheduler_enabled(connection, database) if SETTINGS_TABLE in tables else None,
        maintenance_mode=is_on({**common_configuration(site.bench), **configuration}, MAINTENANCE_MODE),
    )


def _data_bytes(connection: Connection[Any], database: str) -> int:
    rows = fetch_all(
        connection,
        "SELECT COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s",
        (database,),
    )
    return int(rows[0][0])


def _scheduler_enabled(connection: Connection[Any], database: str) -> bool | None:
    try:
        rows = fetch_all(
            connection,
            f"SELECT value FROM {quote_identifier(database)}.{quote_identifier(SETTINGS_TABLE)} "  # noqa: S608
            "WHERE doctype = 'System Settings' AND field = 'enable_scheduler'",
        )
    except Exception:  # a damaged table is one of the reasons to be here
        return None
    return bool(rows) and str(rows[0][0]) == "1"
