"""Checks of indexes that cost writes and room and serve nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator

from ..._mariadb.identifiers import decode_file_name
from ..._mariadb.indexes import Index, IndexPart, read_indexes, redundant_indexes
from ..index_advice import declared_columns, is_declared
from ..registry import Measurement, Remediation, UnmeasurableError, check
from ..targets.database_server import DatabaseServer

# What runs at the end of a month only has run once after so many days.
LEAST_UPTIME_SECONDS = 31 * 86400
GIBIBYTE = 1024**3
MEBIBYTE = 1024**2
EVIDENCE_LINES = 10

# A primary or unique index has bit 1 or 2 in its type, a full text one bit 32; only plain ones are looked at.
_PLAIN_INDEXES = (
    "SELECT t.NAME, i.NAME, GROUP_CONCAT(f.NAME ORDER BY f.POS SEPARATOR '/')"
    " FROM information_schema.INNODB_SYS_INDEXES i"
    " JOIN information_schema.INNODB_SYS_TABLES t ON t.TABLE_ID = i.TABLE_ID"
    " JOIN information_schema.INNODB_SYS_FIELDS f ON f.INDEX_ID = i.INDEX_ID"
    " WHERE i.TYPE = 0 GROUP BY t.NAME, i.NAME"
)
_FIRST_FOREIGN_COLUMNS = (
    "SELECT k.FOR_NAME, c.FOR_COL_NAME FROM information_schema.INNODB_SYS_FOREIGN k"
    " JOIN information_schema.INNODB_SYS_FOREIGN_COLS c ON c.ID = k.ID WHERE c.POS = 0"
)
# Tables in which two indexes begin with the same column: nothing else can be redundant, and no table is opened for it.
_SAME_BEGINNING = (
    "SELECT t.NAME FROM information_schema.INNODB_SYS_FIELDS f"
    " JOIN information_schema.INNODB_SYS_INDEXES i ON i.INDEX_ID = f.INDEX_ID"
    " JOIN information_schema.INNODB_SYS_TABLES t ON t.TABLE_ID = i.TABLE_ID"
    " WHERE f.POS = 0 AND i.TYPE IN (0, 2, 3) GROUP BY t.NAME, f.NAME HAVING COUNT(*) > 1"
)


@check(
    "D26",
    "indexes.unused",
    title="Indexes that nothing reads",
    subject="mariadb",
    target=DatabaseServer,
    measures="Plain indexes that no site has used in a month; never a unique, primary, foreign or declared one",
    source="INDEX_STATISTICS (userstat) or performance_schema, INNODB_SYS_INDEXES, and what the DocTypes declare",
    unit="count",
    warning="0",
    impact="info",
    remediation=Remediation(
        "Do not drop them at once: ALTER TABLE t ALTER INDEX i IGNORED, watch over the end of a month, take it back "
        "with NOT IGNORED where something got slower, and drop later. An app that made one makes it again."
    ),
    reference="sys.schema_unused_indexes, without the unique ones that it counts as well",
)
def indexes_unused(server: DatabaseServer) -> Iterator[Measurement]:
    """Count the indexes of which every site could do without."""
    uptime_seconds = server.status.get("Uptime", 0.0)
    if uptime_seconds < LEAST_UPTIME_SECONDS:
        raise UnmeasurableError(f"the server counts for {uptime_seconds / 86400:.0f} days: it takes 31 to tell")
    used = _used_indexes(server)
    foreign = {(decode_file_name(str(table)), str(column)) for table, column in server.query(_FIRST_FOREIGN_COLUMNS)}
    indexes = _plain_indexes(server)
    unused: set[tuple[str, str]] = set()
    for schema in server.schemas:
        declared = declared_columns(server.query, schema)
        for index in indexes[schema]:
            is_needed = (
                (schema, index.table, index.name) in used
                or (f"{schema}/{index.table}", index.columns[0]) in foreign
                or is_declared(index, declared)
            )
            if not is_needed:
                unused.add((index.table, index.name))
    # One site that uses it is reason enough to keep it: all sites of a bench share their apps.
    found = sorted(f"{name} of {table}" for table, name in unused - {(table, name) for _, table, name in used})
    text = f"{len(found)} indexes were not used in a month"
    yield Measurement(len(found), text=text, evidence=tuple(found[:EVIDENCE_LINES]))


@check(
    "D27",
    "indexes.redundant",
    title="Indexes that another one makes superfluous",
    subject="mariadb",
    target=DatabaseServer,
    measures="Bytes of plain indexes that begin another index of the same table; never a unique or a declared one",
    source="INNODB_SYS_FIELDS for the tables in question, STATISTICS of these, mysql.innodb_index_stats",
    unit="bytes",
    warning=str(MEBIBYTE),
    critical=str(GIBIBYTE),
    impact="low",
    remediation=Remediation(
        "Drop it in the app that made it, with a patch; ALTER TABLE ... DROP INDEX helps until that app makes it again."
    ),
    reference="pt-duplicate-key-checker; own proposal for the sizes",
)
def indexes_redundant(server: DatabaseServer) -> Iterator[Measurement]:
    """Add up what superfluous indexes take, by site."""
    names = [decode_file_name(str(name)).partition("/") for (name,) in server.query(_SAME_BEGINNING)]
    tables: dict[str, set[str]] = defaultdict(set)
    for schema, _, table in names:
        tables[schema].add(table)
    for schema in server.schemas:
        declared = declared_columns(server.query, schema)
        found: list[tuple[int, str]] = []
        for table in sorted(tables[schema]):
            for redundant in redundant_indexes(read_indexes(server.query, schema, table)):
                if not is_declared(redundant.index, declared):
                    size_bytes = _index_bytes(server, redundant.index)
                    line = f"{redundant.index.name} of {table} begins {redundant.kept.name}: {size_bytes} bytes"
                    found.append((size_bytes, line))
        wasted_bytes = sum(size for size, _ in found)
        lines = tuple(line for _, line in sorted(found, reverse=True)[:EVIDENCE_LINES])
        label = server.label(schema)
        text = f"{len(found)} superfluous indexes of {label} take {wasted_bytes / MEBIBYTE:.1f} MiB"
        yield Measurement(wasted_bytes, label, text, lines)


def _used_indexes(server: DatabaseServer) -> Collection[tuple[str, str, str]]:
    if server.is_on("userstat"):
        rows = server.query("SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME FROM information_schema.INDEX_STATISTICS")
    elif server.is_on("performance_schema"):
        rows = server.query(
            "SELECT OBJECT_SCHEMA, OBJECT_NAME, INDEX_NAME FROM"
            " performance_schema.table_io_waits_summary_by_index_usage WHERE COUNT_READ > 0 AND INDEX_NAME IS NOT NULL"
        )
    else:
        raise UnmeasurableError("neither userstat nor performance_schema counts the use of indexes")
    return {(str(schema), str(table), str(name)) for schema, table, name in rows}


def _plain_indexes(server: DatabaseServer) -> dict[str, list[Index]]:
    """Return the plain indexes of all tables by schema; no table is opened for it."""
    found: dict[str, list[Index]] = defaultdict(list)
    for name, index, columns in server.query(_PLAIN_INDEXES):
        schema, _, table = decode_file_name(str(name)).partition("/")
        parts = tuple(map(IndexPart, str(columns).split("/")))
        found[schema].append(Index(schema, table, str(index), parts))
    return found


def _index_bytes(server: DatabaseServer, index: Index) -> int:
    rows = server.query(
        "SELECT stat_value * @@innodb_page_size FROM mysql.innodb_index_stats"
        " WHERE database_name = %s AND table_name = %s AND index_name = %s AND stat_name = 'size'",
        (index.schema, index.table, index.name),
    )
    return int(rows[0][0]) if rows else 0
