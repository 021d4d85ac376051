"""Checks of tables: keys, storage engines, character sets, and numbers that run out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..._mariadb.identifiers import decode_file_name, quote_identifier
from ..registry import Measurement, Remediation, check
from ..targets.database_server import DatabaseServer

# Frappe itself makes these without a primary key.
TABLES_WITHOUT_KEY = frozenset({"tabSingles", "tabSessions", "__global_search", "__UserSettings"})
# Frappe makes these with MyISAM: the index of the search, and (up to version 15) the errors and the log of imports.
MYISAM_TABLES = frozenset({"__global_search", "tabError Log", "tabData Import Log"})
# Frappe makes this one with the three-byte character set.
UTF8MB3_TABLES = frozenset({"__UserSettings"})
# What Frappe asks for, and what MariaDB gives to columns of type JSON.
EXPECTED_COLLATION = "utf8mb4_unicode_ci"
BINARY_COLLATION = "utf8mb4_bin"
INTEGER_LIMITS = {
    "tinyint": 2**7 - 1,
    "smallint": 2**15 - 1,
    "mediumint": 2**23 - 1,
    "int": 2**31 - 1,
    "bigint": 2**63 - 1,
}
EVIDENCE_LINES = 10


@check(
    "D23",
    "tables.key",
    title="Tables without a primary key",
    subject="mariadb",
    target=DatabaseServer,
    measures="InnoDB tables without a primary key or a unique key without NULL, but those that Frappe ships so",
    source="information_schema.INNODB_SYS_TABLES and INNODB_SYS_INDEXES, which open no table",
    unit="count",
    warning="0",
    impact="medium",
    remediation=Remediation(
        "Give each a primary key: a replica looks for every changed row by reading the whole table."
    ),
    reference="MySQLTuner, without Frappe's own tabSingles and tabSessions",
)
def tables_key(server: DatabaseServer) -> Iterator[Measurement]:
    """Count the tables for which InnoDB had to make a hidden key."""
    rows = server.query(
        "SELECT t.NAME FROM information_schema.INNODB_SYS_INDEXES i"
        " JOIN information_schema.INNODB_SYS_TABLES t ON t.TABLE_ID = i.TABLE_ID WHERE i.NAME = 'GEN_CLUST_INDEX'"
    )
    names = (decode_file_name(str(row[0])).partition("/") for row in rows)
    candidates = [
        (schema, table) for schema, _slash, table in names if schema in server.schemas and _needs_a_key(table)
    ]
    # A sequence is a table without a key as well, to InnoDB: only the few candidates are opened to tell them apart.
    found = [f"{schema}.{table}" for schema, table in candidates if _is_base_table(server, schema, table)]
    yield _count(found, "tables without a primary key")


@check(
    "D24",
    "tables.engine",
    title="Tables that are not InnoDB",
    subject="mariadb",
    target=DatabaseServer,
    measures="Base tables with another storage engine, but those that Frappe ships so",
    source="information_schema.TABLES, a schema at a time",
    unit="count",
    warning="0",
    impact="medium",
    remediation=Remediation(
        "Convert each with ALTER TABLE ... ENGINE=InnoDB (bench --site SITE transform-database --table TABLE): MyISAM "
        "loses rows in a crash, and no backup of it is consistent."
    ),
    reference="MySQLTuner, without Frappe's own __global_search",
)
def tables_engine(server: DatabaseServer) -> Iterator[Measurement]:
    """Count tables that a crash can damage."""
    found = []
    for schema in server.schemas:
        rows = server.query(
            "SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES"
            " WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'BASE TABLE' AND ENGINE <> 'InnoDB'",
            (schema,),
        )
        found += [f"{schema}.{table} ({engine})" for table, engine in rows if table not in MYISAM_TABLES]
    yield _count(found, "tables that are not InnoDB")


@check(
    "D25",
    "charset.drift",
    title="Character sets and collations that differ",
    subject="mariadb",
    target=DatabaseServer,
    measures="Columns, and the default of the schema, that are not utf8mb4_unicode_ci (or binary utf8mb4, as JSON is)",
    source="information_schema.SCHEMATA and COLUMNS, a schema at a time",
    unit="count",
    warning="0",
    impact="medium",
    remediation=Remediation(
        "Convert the tables with ALTER TABLE ... CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci after a "
        "backup: columns of different collations are compared without an index, and utf8mb3 refuses some characters."
    ),
    reference="Frappe's documentation of MariaDB's settings",
)
def charset_drift(server: DatabaseServer) -> Iterator[Measurement]:
    """Count the columns of each site that differ from what Frappe asks for."""
    for schema in server.schemas:
        rows = server.query(
            "SELECT TABLE_NAME, COLLATION_NAME, COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s"
            " AND COLLATION_NAME NOT IN (%s, %s) GROUP BY TABLE_NAME, COLLATION_NAME",
            (schema, EXPECTED_COLLATION, BINARY_COLLATION),
        )
        columns = [
            (f"{count} columns of {table} are {collation}", int(count))
            for table, collation, count in rows
            if table not in UTF8MB3_TABLES
        ]
        default = server.query(
            "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", (schema,)
        )
        wrong_default = [f"new tables become {row[0]}" for row in default if row[0] != EXPECTED_COLLATION]
        wrong_columns = sum(count for _line, count in columns)
        label = server.label(schema)
        yield Measurement(
            wrong_columns + len(wrong_default),
            label,
            f"{wrong_columns} columns of {label} are not {EXPECTED_COLLATION}"
            + ("; nor is its default" if wrong_default else ""),
            tuple(wrong_default + [line for line, _count in columns])[:EVIDENCE_LINES],
        )


@check(
    "D30",
    "numbers.used",
    title="Numbers that run out",
    subject="mariadb",
    target=DatabaseServer,
    measures="The largest share of its range that an AUTO_INCREMENT, a sequence of Frappe or a naming series has used",
    source="information_schema.COLUMNS and TABLES of the few tables that count, the sequences, and tabSeries",
    unit="percent",
    warning="50",
    critical="80",
    impact="high",
    remediation=Remediation("Make the column a BIGINT before it is full: after the last number every insert fails."),
    reference="MySQLTuner (50 %, 80 %); sys.schema_auto_increment_columns",
)
def numbers_used(server: DatabaseServer) -> Iterator[Measurement]:
    """Find for each site the counter that is nearest to its end."""
    for schema in server.schemas:
        counters = [*_auto_increments(server, schema), *_sequences(server, schema), *_series(server, schema)]
        worst_first = sorted(counters, reverse=True)
        label = server.label(schema)
        if worst_first:
            used_percent, name = worst_first[0]
            lines = tuple(f"{counter}: {percent:.1f} %" for percent, counter in worst_first[:EVIDENCE_LINES])
            yield Measurement(
                used_percent, label, f"{name} of {label} has used {used_percent:.1f} % of its numbers", lines
            )
        else:
            yield Measurement(0, label, f"{label} has no counters")


def _auto_increments(server: DatabaseServer, schema: str) -> Iterator[tuple[float, str]]:
    columns = server.query(
        "SELECT TABLE_NAME, DATA_TYPE, COLUMN_TYPE FROM information_schema.COLUMNS"
        " WHERE TABLE_SCHEMA = %s AND EXTRA = 'auto_increment'",
        (schema,),
    )
    for table, data_type, column_type in columns:
        rows = server.query(
            "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
            (schema, table),
        )
        yield _used(float(rows[0][0] or 0), _limit(data_type, column_type)), str(table)


def _sequences(server: DatabaseServer, schema: str) -> Iterator[tuple[float, str]]:
    names = server.query(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'SEQUENCE'",
        (schema,),
    )
    for (name,) in names:
        sequence = f"{quote_identifier(schema)}.{quote_identifier(str(name))}"
        ((next_value, minimum, maximum),) = server.query(
            f"SELECT next_not_cached_value, minimum_value, maximum_value FROM {sequence}"  # noqa: S608
        )
        yield _used(float(next_value) - float(minimum), float(maximum) - float(minimum)), str(name)


def _series(server: DatabaseServer, schema: str) -> Iterator[tuple[float, str]]:
    columns = server.query(
        "SELECT DATA_TYPE, COLUMN_TYPE FROM information_schema.COLUMNS"
        " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = 'tabSeries' AND COLUMN_NAME = 'current'",
        (schema,),
    )
    for data_type, column_type in columns:
        ((highest,),) = server.query(f"SELECT MAX(current) FROM {quote_identifier(schema)}.tabSeries")  # noqa: S608
        yield _used(float(highest or 0), _limit(data_type, column_type)), "tabSeries"


def _limit(data_type: str, column_type: str) -> float:
    limit = INTEGER_LIMITS.get(data_type, INTEGER_LIMITS["bigint"])
    return 2 * limit + 1 if "unsigned" in column_type else limit


def _used(value: float, limit: float) -> float:
    return round(100 * value / limit, 1)


def _needs_a_key(table: str) -> bool:
    # InnoDB keeps the words of a full text index, and a table under change, in tables of its own without a key.
    return table not in TABLES_WITHOUT_KEY and not table.startswith(("FTS_", "#sql"))


def _is_base_table(server: DatabaseServer, schema: str, table: str) -> bool:
    rows = server.query(
        "SELECT TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s", (schema, table)
    )
    return rows == [("BASE TABLE",)]


def _count(found: Iterable[str], what: str) -> Measurement:
    names = sorted(found)
    return Measurement(len(names), text=f"{len(names)} {what}", evidence=tuple(names[:EVIDENCE_LINES]))
