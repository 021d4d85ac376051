"""Checks of room: how fast databases grow, and what rebuilding tables would give back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from ..._mariadb.identifiers import decode_file_name, encode_file_name
from ..._system.quantities import DAY_SECONDS
from ..findings import OK, WARNING
from ..history import Point
from ..registry import Measurement, Remediation, UnmeasurableError, check
from ..targets.database_server import DatabaseServer

MEBIBYTE = 1024**2
# Twice the usual growth of a small site is nothing: from this many bytes a day on, it is told.
LEAST_GROWTH_BYTES = 100 * MEBIBYTE
GROWTH_FACTOR = 2.0
LEAST_DAYS = 3
LEAST_FILE_BYTES = 100 * MEBIBYTE
LEAST_FREE_BYTES = 500 * MEBIBYTE
EVIDENCE_LINES = 5


@check(
    "D38",
    "growth.bytes",
    title="How databases grow",
    subject="mariadb",
    target=DatabaseServer,
    measures="The bytes of each site's tables; a warning where the last day brought twice the usual growth of a day",
    source="The files of the tables, or else mysql.innodb_table_stats, and the history of earlier runs",
    unit="bytes",
    impact="medium",
    remediation=Remediation(
        "Look at the largest tables in the evidence: logs, versions and communications that nobody reads can be "
        "cleared by Log Settings; what an import or an integration writes in a loop has to be stopped there."
    ),
    reference="own proposal: twice the median of the days before, and at least 100 MiB",
)
def growth_bytes(server: DatabaseServer) -> Iterator[Measurement]:
    """Add up the files of each site's tables."""
    files = table_sizes(server)
    for schema in server.schemas:
        label = server.label(schema)
        total_bytes = sum(size for size, _name in files[schema])
        points = [
            *server.surroundings.history.points("D38", server.name, label),
            Point(server.now_seconds, total_bytes),
        ]
        growth = daily_growth(points)
        largest = sorted(files[schema], reverse=True)[:EVIDENCE_LINES]
        text = f"{label} takes {total_bytes / MEBIBYTE:.0f} MiB"
        is_unusual = False
        if len(growth) >= LEAST_DAYS:
            usual_bytes = median(growth[:-1])
            is_unusual = growth[-1] >= max(LEAST_GROWTH_BYTES, GROWTH_FACTOR * usual_bytes)
            text += f", {growth[-1] / MEBIBYTE:+.0f} MiB in the last day where {usual_bytes / MEBIBYTE:+.0f} are usual"
        evidence = tuple(f"{table}: {size / MEBIBYTE:.1f} MiB" for size, table in largest)
        yield Measurement(total_bytes, label, text, evidence, WARNING if is_unusual else OK)


def daily_growth(points: Sequence[Point]) -> list[float]:
    """Return by how many bytes a size grew in each full day, counted back from its last point; oldest first.

    Args:
        points: The sizes, oldest first; a day in which nothing was measured is left out.
    """
    growth: list[float] = []
    later = points[-1]
    for point in reversed(points[:-1]):
        days = (later.at_seconds - point.at_seconds) / DAY_SECONDS
        if days >= 1:
            growth.append((later.value - point.value) / days)
            later = point
    return growth[::-1]


@check(
    "D29",
    "tables.fragmented",
    title="Room that deleted rows left behind",
    subject="mariadb",
    target=DatabaseServer,
    measures="The free share of each table's file, of those above 100 MiB with more than 500 MiB free",
    source="The sizes of the files, and information_schema.TABLES of the large ones alone",
    unit="percent",
    warning="20",
    impact="low",
    remediation=Remediation(
        "InnoDB uses this room again, so only where the disk is short: ALTER TABLE t WAIT 5 FORCE, ALGORITHM=INPLACE, "
        "LOCK=NONE at a quiet time, which fails instead of blocking; never OPTIMIZE TABLE."
    ),
    reference="Frappe Cloud (100 MB or 20 %), MySQLTuner (10 %), own proposal of 500 MiB",
)
def tables_fragmented(server: DatabaseServer) -> Iterator[Measurement]:
    """Ask for the free room of the few large tables."""
    sizes = table_sizes(server)
    large = [(schema, table) for schema in sizes for size, table in sizes[schema] if size > LEAST_FILE_BYTES]
    found = []
    for schema, table in large:
        rows = server.query(
            "SELECT DATA_FREE, DATA_LENGTH + INDEX_LENGTH FROM information_schema.TABLES"
            " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND DATA_FREE > %s",
            (schema, table, LEAST_FREE_BYTES),
        )
        for free_bytes, used_bytes in rows:
            found.append((100 * int(free_bytes) / (int(free_bytes) + int(used_bytes)), f"{schema}.{table}", free_bytes))
    for free_percent, name, free_bytes in found:
        text = f"{free_percent:.0f} % of {name} is free, {free_bytes / MEBIBYTE:.0f} MiB"
        yield Measurement(round(free_percent, 1), name, text)
    if not found:
        yield Measurement(0, text=f"none of the {len(large)} large tables has much free room")


def table_sizes(server: DatabaseServer) -> dict[str, list[tuple[int, str]]]:
    """Return the bytes and the name of each InnoDB table by schema, without opening one.

    On this host the files tell. Elsewhere InnoDB's statistics do, which follow a change of a tenth of the rows.
    INNODB_SYS_TABLESPACES does not: it lists what was opened since the server's start.
    """
    folder = server.surroundings.root / server.variables.get("datadir", "").lstrip("/")
    if server.is_local and (folder / "ibdata1").exists():
        return {schema: _file_sizes(folder / encode_file_name(schema)) for schema in server.schemas}
    sizes: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for schema in server.schemas:
        rows = server.query(
            "SELECT table_name, (clustered_index_size + sum_of_other_index_sizes) * @@innodb_page_size"
            " FROM mysql.innodb_table_stats WHERE database_name = %s",
            (schema,),
        )
        sizes[schema] = [(int(size_bytes), str(table)) for table, size_bytes in rows]
    return sizes


def _file_sizes(folder: Path) -> list[tuple[int, str]]:
    try:
        return [(path.stat().st_size, decode_file_name(path.stem)) for path in folder.glob("*.ibd")]
    except OSError as error:
        raise UnmeasurableError(f"{folder} cannot be read ({error.strerror})") from None
