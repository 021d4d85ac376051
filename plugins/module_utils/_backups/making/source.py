"""What is backed up: the site's configuration, its database and the server of that, read before anything is written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..._bench.apps import bench_apps
from ..._bench.configuration import (
    MARIADB,
    Configuration,
    database_address,
    database_kind,
    key_fingerprint,
    read_configuration,
)
from ..._bench.layout import Bench, Site
from ..._bench.revisions import app_revision
from ..._mariadb.binlog.position import BinlogPosition
from ..._mariadb.connection import fetch_all, server_errors
from ..._mariadb.server import ServerFacts, read_server_facts
from ..._mariadb.tablespaces.schema import database_directory
from ..._system.errors import LifeboatError
from ..manifest import AppCommit, InexactTable, ManifestServer

if TYPE_CHECKING:
    from pymysql.connections import Connection


@dataclass(frozen=True)
class SourceTable:
    """A base table of the database.

    Attributes:
        name: Its name.
        engine: Its engine.
        transactional: Whether a transaction sees it as of one moment.
        data_bytes: About what its rows take.
        updated_at: When it was written last, seconds since the epoch by the server's clock, for tables without
            transactions; None where that is not known.
    """

    name: str
    engine: str
    transactional: bool
    data_bytes: int
    updated_at: int | None


@dataclass(frozen=True)
class Source:
    """A site as it is backed up.

    Attributes:
        site: The site.
        configuration: Its configuration; it holds secrets.
        database: The name of its database.
        facts: The server.
        server_id: Its number among the servers that replicate.
        tables: The base tables of the database.
        file_bytes: What their files take while they are copied, InnoDB's log and system tablespace included; 0 where no
            files are copied.
    """

    site: Site
    configuration: Configuration
    database: str
    facts: ServerFacts
    server_id: int
    tables: tuple[SourceTable, ...]
    file_bytes: int = 0

    @property
    def data_bytes(self) -> int:
        """About what the rows of all tables take."""
        return sum(table.data_bytes for table in self.tables)

    @property
    def configuration_content(self) -> bytes:
        """The configuration as Frappe writes it."""
        return json.dumps(self.configuration, indent=1, sort_keys=True).encode()

    @property
    def site_key_fingerprint(self) -> str:
        """What tells the key of the site's stored secrets from another; "" where the site has none yet."""
        key = self.configuration.get("encryption_key")
        return key_fingerprint(str(key)) if key else ""

    @property
    def manifest_server(self) -> ManifestServer:
        """The server as the manifest names it."""
        facts = self.facts
        return ManifestServer(facts.version, facts.page_size_bytes, self.server_id, facts.hostname, facts.port)


def read_source(site: Site, connection: Connection[Any], with_files: bool = False) -> Source:
    """Read what is backed up.

    Args:
        site: The site.
        connection: To the server of its database.
        with_files: Whether the files of its tables will be copied.

    Raises:
        LifeboatError: ``configuration_missing``, ``configuration_invalid``, ``database_unsupported``, or
            ``backup_source_missing`` when the database that the configuration names does not exist.
    """
    configuration = read_configuration(site.config_path)
    kind = database_kind(configuration)
    if kind != MARIADB:
        raise LifeboatError(
            f"Cannot back up {site.name}: its database is of the type {kind}, and only MariaDB is backed up. Name the "
            "other sites of the bench (lifeboat_backup_sites), and back this one up in another way.",
            "database_unsupported",
            {"db_type": kind},
        )
    database = database_address(configuration, {}).db_name
    with server_errors(f"read the tables of {site.name}"):
        facts = read_server_facts(connection)
        server_id = int(fetch_all(connection, "SELECT @@server_id")[0][0])
        tables = read_tables(connection, database)
        file_bytes = _file_bytes(connection, database, tables) if with_files else 0
    if not tables:
        raise LifeboatError(
            f"Cannot back up {site.name}: its database {database} has no tables on {facts.hostname}:{facts.port}. "
            "Look whether that is the right server; recover the site if its data is lost.",
            "backup_source_missing",
            {"database": database},
        )
    return Source(site, configuration, database, facts, server_id, tables, file_bytes)


def read_tables(connection: Connection[Any], database: str) -> tuple[SourceTable, ...]:
    """Return the base tables of a database, by name; sequences are none."""
    rows = fetch_all(
        connection,
        "SELECT t.TABLE_NAME, t.ENGINE, e.TRANSACTIONS, t.DATA_LENGTH, UNIX_TIMESTAMP(t.UPDATE_TIME)"
        " FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE"
        " WHERE t.TABLE_SCHEMA = %s AND t.TABLE_TYPE = 'BASE TABLE' ORDER BY t.TABLE_NAME",
        (database,),
    )
    return tuple(
        SourceTable(
            name=str(name),
            engine=str(engine),
            transactional=transactions == "YES",
            data_bytes=int(data or 0),
            updated_at=None if updated is None else int(updated),
        )
        for name, engine, transactions, data, updated in rows
    )


def _file_bytes(connection: Connection[Any], database: str, tables: Iterable[SourceTable]) -> int:
    prefix = f"{database_directory(connection, database)}/"
    ((innodb_bytes,),) = fetch_all(
        connection,
        "SELECT COALESCE(SUM(FILE_SIZE), 0) + @@innodb_log_file_size FROM information_schema.INNODB_SYS_TABLESPACES"
        " WHERE NAME = 'innodb_system' OR LEFT(NAME, CHAR_LENGTH(%s)) = %s",
        (prefix, prefix),
    )
    # The indexes of tables without transactions are about as large as their rows.
    return int(innodb_bytes) + sum(2 * table.data_bytes for table in tables if not table.transactional)


def server_seconds(connection: Connection[Any]) -> int:
    """Return the server's clock, in whole seconds since the epoch: the one that its binary log is written by."""
    return int(fetch_all(connection, "SELECT FLOOR(UNIX_TIMESTAMP())")[0][0])


def live_position(connection: Connection[Any]) -> BinlogPosition:
    """Return the end of the binary log, which the server must write."""
    file, offset = fetch_all(connection, "SHOW MASTER STATUS")[0][:2]
    gtid = fetch_all(connection, "SELECT @@gtid_binlog_pos")[0][0]
    return BinlogPosition(str(gtid or ""), str(file), int(offset))


def inexact_tables(
    tables: Iterable[SourceTable], began_at: int, since: BinlogPosition | None, until: BinlogPosition | None
) -> tuple[InexactTable, ...]:
    """Return the tables without transactions that were written to while they were read, or may have been. Pure.

    Args:
        tables: The tables as they were when the dump had ended.
        began_at: When it began, by the server's clock.
        since: The position of the set; None where the server writes no binary log.
        until: The end of the log when the dump had ended.
    """
    if since is not None and since == until:
        return ()  # the whole server wrote nothing meanwhile
    return tuple(
        InexactTable(table.name, table.engine, since, until)
        for table in tables
        if not table.transactional and (table.updated_at is None or table.updated_at >= began_at)
    )


def app_commits(bench: Bench) -> tuple[AppCommit, ...]:
    """Return the apps of a bench with their versions and commits."""
    return tuple(
        AppCommit(name, version, app_revision(bench, name).commit) for name, version in bench_apps(bench).items()
    )
