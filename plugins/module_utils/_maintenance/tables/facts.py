"""What the server knows of the tables of a database: sizes, statistics, and what stands in the way of a rebuild."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..._mariadb.connection import DRIVER_ERRORS, fetch_all
from ..._mariadb.identifiers import decode_file_name, encode_file_name, quote_identifier

if TYPE_CHECKING:
    from pymysql.connections import Connection

INNODB, MYISAM, ARIA = "InnoDB", "MyISAM", "Aria"
# "Incorrect key file", "crashed on usage" and "crashed, and the last repair failed", of the engine and of the server.
CRASHED_ERRORS = (126, 144, 145, 1034, 1194, 1195)


@dataclass(frozen=True)
class TableFacts:
    """What is known of one table.

    Attributes:
        name: Its name.
        engine: Its engine; "" where the server cannot open it.
        rows: How many it has now, as the server estimates.
        data_bytes: Bytes of rows and of indexes.
        free_bytes: Bytes of whole extents in it that hold nothing.
        file_bytes: The size of its own file; 0 where it has none, as in a tablespace that is shared.
        counted_rows: How many it had when its statistics were made; None while it has none.
        changed_rows: How many were changed since, as far as the server counted.
        keeps_statistics: Whether its statistics are meant to outlive a restart.
        special_index: FULLTEXT or SPATIAL where it has such an index, else "".
        is_partitioned: Whether it has partitions.
        is_crashed: Whether its engine marked it as crashed.
        open_error: The number of the error with which the server fails to open it; 0 for none.
    """

    name: str
    engine: str
    rows: int = 0
    data_bytes: int = 0
    free_bytes: int = 0
    file_bytes: int = 0
    counted_rows: int | None = None
    changed_rows: int = 0
    keeps_statistics: bool = True
    special_index: str = ""
    is_partitioned: bool = False
    is_crashed: bool = False
    open_error: int = 0


def read_tables(own: Connection[Any], administrator: Connection[Any], database: str) -> list[TableFacts]:
    """Return the tables of a database, sorted by name.

    Args:
        own: A connection with the account of the site, which has the database.
        administrator: A connection that may read what InnoDB knows (PROCESS, and SELECT in ``mysql``).
        database: The name of the database.

    Raises:
        pymysql.err.MySQLError: A statement was refused.
    """
    # First: InnoDB lists the files of tables that were opened, which this does.
    listed = fetch_all(
        own,
        "SELECT TABLE_NAME, ENGINE, TABLE_ROWS, DATA_LENGTH + INDEX_LENGTH, DATA_FREE, CREATE_OPTIONS"
        " FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME",
        (database,),
    )
    ((persistent,),) = fetch_all(own, "SELECT @@innodb_stats_persistent")
    special = dict(
        fetch_all(
            own,
            "SELECT TABLE_NAME, INDEX_TYPE FROM information_schema.STATISTICS"
            " WHERE TABLE_SCHEMA = %s AND INDEX_TYPE IN ('FULLTEXT', 'SPATIAL')",
            (database,),
        )
    )
    files = file_sizes(administrator, database)
    counted = dict(
        fetch_all(
            administrator,
            "SELECT table_name, n_rows FROM mysql.innodb_table_stats WHERE database_name = %s",
            (database,),
        )
    )
    changed = _by_table(
        fetch_all(
            administrator,
            "SELECT NAME, MODIFIED_COUNTER FROM information_schema.INNODB_SYS_TABLESTATS"
            " WHERE SUBSTRING_INDEX(NAME, '/', 1) = %s",
            (encode_file_name(database),),
        )
    )
    tables = []
    for name, engine, rows, data_bytes, free_bytes, create_options, *_rest in listed:
        open_error = 0 if engine else _open_error(own, name)
        options = str(create_options or "").lower()
        tables.append(
            TableFacts(
                name=name,
                engine=engine or "",
                rows=int(rows or 0),
                data_bytes=int(data_bytes or 0),
                free_bytes=int(free_bytes or 0),
                file_bytes=files.get(name, 0),
                counted_rows=int(counted[name]) if name in counted else None,
                changed_rows=changed.get(name, 0),
                keeps_statistics="stats_persistent=1" in options
                or (bool(persistent) and "stats_persistent=0" not in options),
                special_index=special.get(name, ""),
                is_partitioned="partitioned" in options,
                is_crashed=open_error in CRASHED_ERRORS,
                open_error=open_error,
            )
        )
    return tables


def file_sizes(administrator: Connection[Any], database: str) -> dict[str, int]:
    """Return the bytes of the file of each InnoDB table that has one of its own and was opened since the start."""
    return _by_table(
        fetch_all(
            administrator,
            "SELECT NAME, FILE_SIZE FROM information_schema.INNODB_SYS_TABLESPACES"
            " WHERE SUBSTRING_INDEX(NAME, '/', 1) = %s",
            (encode_file_name(database),),
        )
    )


def _by_table(rows: list[tuple[Any, ...]]) -> dict[str, int]:
    return {decode_file_name(str(name).partition("/")[2]): int(number) for name, number in rows}


def _open_error(own: Connection[Any], table: str) -> int:
    """Return the number of the error with which a table cannot be opened; 0 where it can be by now."""
    try:
        fetch_all(own, f"SELECT 1 FROM {quote_identifier(table)} LIMIT 0")  # noqa: S608 - quoted
    except DRIVER_ERRORS as error:
        return int(error.args[0])
    return 0
