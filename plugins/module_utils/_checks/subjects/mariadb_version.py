"""Checks of the server itself: whether its makers still mend it, and whether it can tell what is slow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

from ..._system.quantities import DAY_SECONDS
from ..lifecycle import TABLE_DATE, end_of_life
from ..registry import Measurement, Remediation, UnmeasurableError, check
from ..targets.database_server import DatabaseServer

SWITCHES = (
    ("the slow query log", ("slow_query_log", "log_slow_query")),
    ("performance_schema", ("performance_schema",)),
    ("userstat", ("userstat",)),
)


@check(
    "D35",
    "version.life",
    title="How long the server's version is still mended",
    subject="mariadb",
    target=DatabaseServer,
    measures="Seconds until the makers stop to mend this series of MariaDB; negative after that",
    source="SELECT @@version, and the collection's dated table of ends of life",
    unit="seconds",
    warning=f"{180 * DAY_SECONDS}:",
    critical="0:",
    impact="high",
    remediation=Remediation(
        "Plan the update to a long term series that Frappe supports, with a rehearsed recovery first."
    ),
    reference="mariadb.org maintenance policy",
)
def version_life(server: DatabaseServer) -> Iterator[Measurement]:
    """Look the server's series up."""
    version = server.variables.get("version", "")
    end = end_of_life("mariadb", version)
    if end is None:
        raise UnmeasurableError(f"the table of {TABLE_DATE} does not know MariaDB {version}")
    end_seconds = datetime(end.year, end.month, end.day, tzinfo=timezone.utc).timestamp() + DAY_SECONDS
    left_seconds = end_seconds - server.now_seconds
    verb = "is mended until" if left_seconds > 0 else "has not been mended since"
    yield Measurement(round(left_seconds), text=f"MariaDB {version} {verb} {end}")


@check(
    "D36",
    "observability.missing",
    title="What the server can tell about slow statements",
    subject="mariadb",
    target=DatabaseServer,
    measures="How many of slow query log, performance_schema, userstat and METADATA_LOCK_INFO are off",
    source="SHOW GLOBAL VARIABLES, information_schema.PLUGINS",
    unit="count",
    warning="3",
    impact="info",
    remediation=Remediation(
        "Switch the slow query log on (SET GLOBAL slow_query_log = 1, long_query_time = 1): it costs next to nothing. "
        "The checks of statements, indexes and locks say more with each of the four."
    ),
    reference="own proposal",
)
def observability_missing(server: DatabaseServer) -> Iterator[Measurement]:
    """Count what is off."""
    missing = [name for name, variables in SWITCHES if not any(map(server.is_on, variables))]
    plugin = server.query(
        "SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'METADATA_LOCK_INFO' AND PLUGIN_STATUS = 'ACTIVE'"
    )
    if not plugin:
        missing.append("METADATA_LOCK_INFO")
    yield Measurement(len(missing), text=f"off: {', '.join(missing)}" if missing else "everything is on")
