"""The check of InnoDB's redo log: how full it is, and whether it is large enough."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..._system.quantities import HOUR_SECONDS, MINUTE_SECONDS, bytes_text, count_text, duration_text
from ..findings import OK, WARNING
from ..registry import Measurement, Remediation, check
from ..targets.database_server import DatabaseServer

SMALLEST_ADVICE_BYTES = 512 * 1024**2
LARGEST_ADVICE_BYTES = 16 * 1024**3
# An idle server leaves its log as full as it is, and nobody waits: less than this share in a minute is idle.
BUSY_SHARE = 0.01
# What is written in a second says nothing about an hour: the size is judged against an earlier run alone.
LEAST_SECONDS_FOR_SIZE = 600
# From here on innodb_log_file_size can be set while the server runs (MariaDB's documentation).
SET_GLOBAL_SINCE = (10, 9)


@check(
    "D13",
    "redo.fill",
    title="InnoDB's redo log",
    subject="mariadb",
    target=DatabaseServer,
    measures="changes that are not yet in the tables' files, in percent of what the redo log takes, while there are "
    "changes; waits; size",
    source="SHOW GLOBAL STATUS: Innodb_checkpoint_age and _max_age, Innodb_log_waits, Innodb_os_log_written",
    unit="percent",
    warning="70",
    critical="85",
    impact="medium",
    remediation=Remediation(
        "Raise innodb_log_file_size to hold an hour of changes, as the evidence says; innodb_log_buffer_size against "
        "waits; innodb_io_capacity where the disk can do more."
    ),
    reference="MySQLTuner's rule of an hour of changes; awesome-prometheus-alerts MysqlInnodbLogWaits",
    is_sampled=True,
)
def redo_fill(server: DatabaseServer) -> Iterator[Measurement]:
    """Judge how full the log is, whether anybody waited for it, and its size."""
    rates = server.rates
    age, limit = server.counter("Innodb_checkpoint_age"), server.counter("Innodb_checkpoint_max_age")
    minute_bytes = rates.per_second("Innodb_os_log_written") * MINUTE_SECONDS
    yield Measurement(
        100 * age / limit,
        text=f"{bytes_text(age)} of {bytes_text(limit)} of the redo log wait for a checkpoint, "
        f"at {bytes_text(minute_bytes)} of changes a minute",
        severity=OK if minute_bytes < BUSY_SHARE * limit else "",
    )
    waits = rates.increase("Innodb_log_waits")
    yield Measurement(
        waits,
        "waits",
        f"{count_text(round(waits), 'wait')} for the log buffer in {duration_text(rates.seconds)}",
        severity=WARNING if waits else OK,
    )
    if rates.seconds >= LEAST_SECONDS_FOR_SIZE:
        yield _size(server, minute_bytes * HOUR_SECONDS / MINUTE_SECONDS)


def _size(server: DatabaseServer, hour_bytes: float) -> Measurement:
    size = server.number("innodb_log_file_size") * file_count(server)
    most = min(LARGEST_ADVICE_BYTES, max(SMALLEST_ADVICE_BYTES, server.number("innodb_buffer_pool_size")))
    advised = min(max(hour_bytes, SMALLEST_ADVICE_BYTES), most)
    is_small = size < min(hour_bytes, most)
    text = f"the redo log of {bytes_text(size)} holds {duration_text(HOUR_SECONDS * size / max(hour_bytes, 1))}"
    return Measurement(
        100 * size / max(hour_bytes, 1),
        "size",
        f"{text} of changes at {bytes_text(hour_bytes)} an hour",
        (f"advice: {_statement(server, advised)}",) if is_small else (),
        WARNING if is_small else OK,
    )


def file_count(server: DatabaseServer) -> float:
    """Return the number of redo logs: MariaDB had several up to 10.4, and has no variable for it since 10.6."""
    return server.number("innodb_log_files_in_group") if "innodb_log_files_in_group" in server.variables else 1


def _statement(server: DatabaseServer, advised_bytes: float) -> str:
    size = f"innodb_log_file_size = {advised_bytes / 1024**2:.0f}M"
    if tuple(map(int, re.findall(r"\d+", server.variables["version"])[:2])) >= SET_GLOBAL_SINCE:
        return f"SET GLOBAL {size.replace('M', ' * 1024 * 1024')}, and {size} in the option file"
    return f"{size} in the option file, and a restart"
