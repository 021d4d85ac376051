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

# InnoDB's own statistics are found by their schema and open no table; a join of INNODB_SYS_INDEXES and _FIELDS takes
# seconds on a server with 20 sites.
_INDEX_COLUMNS = (
    "SELECT table_name, index_name, stat_description FROM mysql.innodb_index_stats"
    " WHERE database_name = %s AND stat_name LIKE 'n_diff_pfx%%' AND index_name NOT IN ('PRIMARY', 'GEN_CLUST_INDEX')"
    " ORDER BY table_name, index_name, stat_name"
)
# Tables in which two indexes begin with the same column: only there one can be superfluous.
_SAME_BEGINNING = (
    "SELECT DISTINCT table_name FROM mysql.innodb_index_stats WHERE database_name = %s AND stat_name = 'n_diff_pfx01'"
    " GROUP BY table_name, stat_description HAVING COUNT(*) > 1"
)
_FIRST_FOREIGN_COLUMNS = (
    "SELECT k.FOR_NAME, c.FOR_COL_NAME FROM information_schema.INNODB_SYS_FOREIGN k"
    " JOIN information_schema.INNODB_SYS_FOREIGN_COLS c ON c.ID = k.ID WHERE c.POS = 0"
)


@check(
    "D26",
    "indexes.unused",
    title="Indexes that nothing reads",
    subject="mariadb",
    target=DatabaseServer,
    measures="Plain indexes that no site has used in a month; never a unique, primary, foreign or declared one",
    source="INDEX_STATISTICS (userstat) or performance_schema, InnoDB's statistics, what DocTypes declare",
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
    unused: set[tuple[str, str]] = set()
    for schema in server.schemas:
        declared = declared_columns(server.query, schema)
        for index in _droppable_indexes(server, schema, used, declared):
            if (f"{schema}/{index.table}", index.columns[0]) not in foreign:
                unused.add((index.table, index.name))
    # One site that uses it is reason enough to keep it: all sites of a bench share their apps.
    found = sorted(f"{name} of {table}" for table, name in unused - {(table, name) for _schema, table, name in used})
    text = f"{len(found)} indexes were not used in a month"
    yield Measurement(len(found), text=text, evidence=tuple(found[:EVIDENCE_LINES]))


@check(
    "D27",
    "indexes.redundant",
    title="Indexes that another one makes superfluous",
    subject="mariadb",
    target=DatabaseServer,
    measures="Bytes of plain indexes that begin another index of the same table; never a unique or a declared one",
    source="mysql.innodb_index_stats, and information_schema.STATISTICS of the tables in question",
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
    for schema in server.schemas:
        declared = declared_columns(server.query, schema)
        found: list[tuple[int, str]] = []
        for (table,) in server.query(_SAME_BEGINNING, (schema,)):
            for redundant in redundant_indexes(read_indexes(server.query, schema, str(table))):
                if not is_declared(redundant.index, declared):
                    size_bytes = _index_bytes(server, redundant.index)
                    line = f"{redundant.index.name} of {table} begins {redundant.kept.name}: {size_bytes} bytes"
                    found.append((size_bytes, line))
        wasted_bytes = sum(size for size, _line in found)
        lines = tuple(line for _size, line in sorted(found, reverse=True)[:EVIDENCE_LINES])
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


def _droppable_indexes(
    server: DatabaseServer, schema: str, used: Collection[tuple[str, str, str]], declared: set[tuple[str, str]]
) -> Iterator[Index]:
    """Yield the plain indexes of a schema that nothing has used and nothing declares.

    Only the tables of what is left after a first look are opened, since the statistics do not tell what is unique.
    """
    candidates: dict[str, set[str]] = defaultdict(set)
    columns = {(str(table), str(name)): str(text) for table, name, text in server.query(_INDEX_COLUMNS, (schema,))}
    for (table, name), text in columns.items():
        parts = tuple(map(IndexPart, text.split(",")))
        # The statistics of an index that is not unique go on with the primary key, which is name in Frappe's tables.
        own = parts[:-1] if len(parts) > 1 and parts[-1].column == "name" else parts
        if (schema, table, name) not in used and not is_declared(Index(schema, table, name, own), declared):
            candidates[table].add(name)
    for table, names in candidates.items():
        for index in read_indexes(server.query, schema, table):
            if index.name in names and not index.is_unique and not is_declared(index, declared):
                yield index


def _index_bytes(server: DatabaseServer, index: Index) -> int:
    rows = server.query(
        "SELECT stat_value * @@innodb_page_size FROM mysql.innodb_index_stats"
        " WHERE database_name = %s AND table_name = %s AND index_name = %s AND stat_name = 'size'",
        (index.schema, index.table, index.name),
    )
    return int(rows[0][0]) if rows else 0
