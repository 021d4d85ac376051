"""How many tables and definitions a server should keep open. Pure."""

from __future__ import annotations

from math import ceil

from ..._checks.subjects.mariadb_tables import OPENED_PER_SECOND
from .advice import LEAVE, Advice, changed, left
from .load import Load

CACHE_VARIABLE = "table_open_cache"
DEFINITIONS_VARIABLE = "table_definition_cache"
# What the server keeps for itself of the files that it may open, and how many a table may take (MariaDB's sources).
RESERVED_FILES = 10
FILES_PER_TABLE = 2
ROUND_TO = 100
DEFINITIONS_FACTOR = 1.1
MOST_OPEN = 1_048_576
MOST_DEFINITIONS = 2_097_152


def advise_table_cache(load: Load) -> list[Advice]:
    """Advise how many tables, and how many definitions of tables, are kept open."""
    return [_open_tables(load), _definitions(load)]


def _open_tables(load: Load) -> Advice:
    """Advise as many as the active tables of a site for each connection, where the present cache overflows."""
    present = load.number(CACHE_VARIABLE)
    for_each = ceil(load.active_tables / max(1, load.sites))
    wanted = for_each * load.peak_connections
    allowed = max(0, (load.open_files_limit - RESERVED_FILES - load.number("max_connections")) // FILES_PER_TABLE)
    value = min(_round_up(wanted), allowed, MOST_OPEN)
    advice = Advice(
        subject="table cache",
        variable=CACHE_VARIABLE,
        now=str(present),
        advised=str(present),
        action=LEAVE,
        why=f"no table had to be closed for another, and {load.opened_per_second:.1f} were opened in a second",
        formula="active tables of a site x the most connections; at most what open_files_limit leaves (two files each)",
        source=f"own proposal: only where tables overflow, or more than {OPENED_PER_SECOND} are opened in a second",
        numbers={
            "active_tables_per_site": for_each,
            "max_used_connections": load.peak_connections,
            "open_files_limit": load.open_files_limit,
            "allowed_by_files": allowed,
            "overflows": load.overflows,
            "opened_per_second": load.opened_per_second,
        },
        caveats=(
            "the limit of open files is LimitNOFILE of the service; at a start the server lowers what exceeds it",
        ),
    )
    if not load.overflows and load.opened_per_second <= OPENED_PER_SECOND:
        return advice
    if value <= present:
        return left(
            advice,
            "it overflows, and open_files_limit allows no more: raise LimitNOFILE of the service first"
            if allowed <= present
            else "it overflows, though it holds each active table for each connection",
        )
    return changed(
        advice,
        value,
        f"{load.overflows:.0f} tables were closed because it was full, "
        f"{load.opened_per_second:.1f} are opened in a second",
    )


def _definitions(load: Load) -> Advice:
    """Advise as many as there are tables, and a tenth more."""
    present = load.number(DEFINITIONS_VARIABLE)
    advice = Advice(
        subject="table cache",
        variable=DEFINITIONS_VARIABLE,
        now=str(present),
        advised=str(present),
        action=LEAVE,
        why=f"the definitions of all {load.tables} tables fit",
        formula="all tables of the server x 1.1",
        source="MariaDB's documentation of the variable; a site of ERPNext has some 700 tables",
        numbers={"tables": load.tables},
    )
    if load.tables <= present:
        return advice
    value = min(_round_up(load.tables * DEFINITIONS_FACTOR), MOST_DEFINITIONS)
    return changed(advice, value, f"the server has {load.tables} tables")


def _round_up(count: float) -> int:
    return ceil(count / ROUND_TO) * ROUND_TO
