"""The check of the binary log: without it, nothing that was written after the last backup can be brought back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from ..findings import WARNING
from ..registry import Measurement, Remediation, check
from ..targets.database_server import DatabaseServer

GIBIBYTE = 1024**3
# Any of these makes the server delete old binary logs; which there are depends on the version.
EXPIRY_VARIABLES = ("binlog_expire_logs_seconds", "expire_logs_days", "max_binlog_total_size")


@check(
    "D31",
    "binlog.share",
    title="The binary log: on, limited, and not filling the disk",
    subject="mariadb",
    target=DatabaseServer,
    measures="The share of the file system that the binary logs take; a log that is off or never expires is a warning",
    source="SHOW GLOBAL VARIABLES, SHOW BINARY LOGS, and the file system of the logs",
    unit="percent",
    warning="20",
    critical="40",
    impact="high",
    remediation=Remediation(
        "Set log_bin and binlog_expire_logs_seconds in the server's option file. To make room, PURGE BINARY LOGS "
        "BEFORE the newest backup, never past what a replica still reads; do not remove the files by hand."
    ),
    reference="Frappe's System Health Report flags a log that is off; own proposal for the shares",
)
def binlog_share(server: DatabaseServer) -> Iterator[Measurement]:
    """Measure the binary logs."""
    if not server.is_on("log_bin"):
        text = "the binary log is off: what is written after the last backup cannot be brought back"
        yield Measurement(None, text=text, severity=WARNING)
        return
    if not any(float(server.variables.get(name) or 0) for name in EXPIRY_VARIABLES):
        yield Measurement(None, "expiry", "binary logs are never deleted", severity=WARNING)
    else:
        yield Measurement(0, "expiry", "old binary logs are deleted")
    sizes = [int(row[1]) for row in server.query("SHOW BINARY LOGS")]
    server.require_local()
    folder = Path(server.variables.get("log_bin_basename", "")).parent
    share_percent = 100 * sum(sizes) / shutil.disk_usage(folder).total
    yield Measurement(
        round(share_percent, 1),
        text=f"{len(sizes)} binary logs take {sum(sizes) / GIBIBYTE:.1f} GiB, {share_percent:.1f} % of their disk",
    )
