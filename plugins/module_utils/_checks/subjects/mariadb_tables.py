"""Checks of temporary tables, of the cache of open tables, and of open files."""

from __future__ import annotations

from collections.abc import Iterator

from ..._system.quantities import count_text, duration_text
from ..findings import OK, WARNING
from ..registry import Measurement, Remediation, check
from ..targets.database_server import DatabaseServer

# Fewer temporary tables say nothing in percent: the checks themselves make some.
LEAST_TEMPORARY_TABLES = 200
OPENED_PER_SECOND = 50  # own proposal


@check(
    "D17",
    "temporary_tables.on_disk",
    title="Temporary tables on the disk",
    subject="mariadb",
    target=DatabaseServer,
    measures="temporary tables that were written to the disk between two samples, in percent of all",
    source="SHOW GLOBAL STATUS: Created_tmp_disk_tables, Created_tmp_tables",
    unit="percent",
    warning="25",
    critical="50",
    impact="medium",
    remediation=Remediation(
        "Look for the statements in the slow log (D21): those that sort or group long texts, or whole rows. Raise "
        "tmp_table_size and max_heap_table_size together where D11 leaves room."
    ),
    reference="MySQLTuner (25 %)",
    is_sampled=True,
)
def temporary_tables_on_disk(server: DatabaseServer) -> Iterator[Measurement]:
    """Compare those on the disk with all."""
    rates = server.rates
    made = rates.increase("Created_tmp_tables")
    on_disk = rates.increase("Created_tmp_disk_tables")
    text = f"{on_disk:,.0f} of {count_text(round(made), 'temporary table')} went to the disk"
    if made < LEAST_TEMPORARY_TABLES:
        yield Measurement(0, text=f"{text}: too few to judge")
    else:
        yield Measurement(100 * on_disk / made, text=text)


@check(
    "D18",
    "table_cache.overflows",
    title="The cache of open tables",
    subject="mariadb",
    target=DatabaseServer,
    measures="tables that were closed between two samples because the cache was full; tables opened; definitions",
    source="SHOW GLOBAL STATUS: Table_open_cache_overflows, Opened_tables; INNODB_SYS_TABLESPACES",
    unit="count",
    warning="0",
    impact="medium",
    remediation=Remediation(
        "SET GLOBAL table_open_cache and table_definition_cache higher (a site of ERPNext has some 700 tables), also "
        "in the option file; then look at open_files_limit (D19)."
    ),
    reference="MySQLTuner, tightened: its 20 % of hits is reached by a cache that is far too small",
    is_sampled=True,
)
def table_cache_overflows(server: DatabaseServer) -> Iterator[Measurement]:
    """Judge overflows, how often tables are opened, and whether all definitions fit."""
    rates = server.rates
    overflows = rates.increase("Table_open_cache_overflows")
    size = server.number("table_open_cache")
    yield Measurement(
        overflows,
        "overflows",
        f"{count_text(round(overflows), 'table')} closed in {duration_text(rates.seconds)} because "
        f"table_open_cache is {size:.0f}",
    )
    opened = rates.per_second("Opened_tables")
    yield Measurement(
        opened,
        "opened",
        f"{opened:.1f} tables are opened in a second",
        severity=WARNING if opened > OPENED_PER_SECOND else OK,
    )
    tables = int(server.query("SELECT COUNT(*) FROM information_schema.INNODB_SYS_TABLESPACES")[0][0])
    definitions = server.number("table_definition_cache")
    yield Measurement(
        tables,
        "definitions",
        f"there are {count_text(tables, 'table')}; table_definition_cache is {definitions:.0f}",
        severity=WARNING if tables > definitions else OK,
    )


@check(
    "D19",
    "server.files",
    title="Files that the server has open",
    subject="mariadb",
    target=DatabaseServer,
    measures="open files, in percent of open_files_limit",
    source="SHOW GLOBAL STATUS: Open_files, Innodb_num_open_files",
    unit="percent",
    warning="75",
    critical="90",
    impact="medium",
    remediation=Remediation(
        "Raise LimitNOFILE of the service (systemctl edit mariadb) and open_files_limit, or lower innodb_open_files "
        "and table_open_cache."
    ),
    reference="awesome-prometheus-alerts MysqlHighOpenFiles (75 %); MySQLTuner (85 %)",
)
def files_open(server: DatabaseServer) -> Iterator[Measurement]:
    """Add up the files of InnoDB and those of all others."""
    limit = server.number("open_files_limit")
    used = server.counter("Open_files") + server.status.get("Innodb_num_open_files", 0.0)
    yield Measurement(100 * used / limit, text=f"{used:.0f} of {limit:.0f} files are open")
