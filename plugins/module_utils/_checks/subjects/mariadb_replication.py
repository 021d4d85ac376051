"""The check of replication, on the replica."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..._mariadb.connection import server_errors
from ..findings import CRITICAL, WARNING
from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.database_server import DatabaseServer

RUNNING = "Yes"


@check(
    "D32",
    "replication.lag",
    title="Replication: running, close behind, and safe from writes",
    subject="mariadb",
    target=DatabaseServer,
    measures="Seconds behind the primary beyond the wanted delay, for each connection; a stopped thread is critical",
    source="SHOW ALL SLAVES STATUS, read_only",
    unit="seconds",
    warning="30",
    critical="300",
    impact="critical",
    remediation=Remediation(
        "Look at Last_IO_Error and Last_SQL_Error in SHOW ALL REPLICAS STATUS. After the cause is mended, START "
        "REPLICA; a replica that skipped a change is no copy any more: build it anew from a backup."
    ),
    reference="awesome-prometheus-alerts MysqlSlaveIoThreadNotRunning, MysqlSlaveReplicationLag (30 s)",
)
def replication_lag(server: DatabaseServer) -> Iterator[Measurement]:
    """Look at each connection of a replica to a primary."""
    statuses = _replica_statuses(server)
    if not statuses:
        raise NotApplicableError("the server follows no other")
    for status in statuses:
        yield _lag(status)
    if server.is_on("read_only"):
        yield Measurement(0, "read_only", "the replica refuses writes of others")
    else:
        yield Measurement(None, "read_only", "the replica takes writes of anybody, and so drifts off", severity=WARNING)


def _replica_statuses(server: DatabaseServer) -> list[dict[str, Any]]:
    # The columns differ between versions, so they are told by their names.
    with server.reader.connection() as connection, server_errors("read the replication's status"):
        cursor = connection.cursor()
        cursor.execute("SHOW ALL SLAVES STATUS")
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row)) for row in cursor.fetchall()]


def _lag(status: dict[str, Any]) -> Measurement:
    name = str(status["Connection_name"]) or "default"
    # The text of an error quotes the statement, hence a row: its number says where to look.
    errors = {"IO": status["Last_IO_Errno"], "SQL": status["Last_SQL_Errno"]}
    evidence = tuple(f"error {number} of the {thread} thread" for thread, number in errors.items() if number)
    if status["Using_Gtid"] == "No":
        evidence += ("it follows by file and position, not by GTID",)
    stopped = [thread for thread in errors if status[f"Slave_{thread}_Running"] != RUNNING]
    if stopped:
        text = f"the {' and the '.join(stopped)} thread of {name} does not run"
        return Measurement(None, name, text, evidence, CRITICAL)
    behind_seconds = status["Seconds_Behind_Master"]
    if behind_seconds is None:
        return Measurement(None, name, f"{name} does not know how far it is behind", evidence)
    late_seconds = max(0, int(behind_seconds) - int(status.get("SQL_Delay") or 0))
    return Measurement(late_seconds, name, f"{name} is {late_seconds} s behind", evidence)
