"""The check of InnoDB's buffer pool: whether what is read fits into it."""

from __future__ import annotations

from collections.abc import Iterator

from ..._system.quantities import HOUR_SECONDS, bytes_text, duration_text
from ..registry import Measurement, Remediation, check
from ..targets.database_server import DatabaseServer

# Fewer reads say nothing in percent.
LEAST_READS = 10_000


@check(
    "D10",
    "buffer_pool.misses",
    title="Reads that the buffer pool could not answer",
    subject="mariadb",
    target=DatabaseServer,
    measures="pages read from the disk between two samples, in percent of all that were asked for",
    source="SHOW GLOBAL STATUS: Innodb_buffer_pool_reads, Innodb_buffer_pool_read_requests",
    unit="percent",
    warning="1",
    critical="5",
    impact="high",
    remediation=Remediation(
        "Raise innodb_buffer_pool_size as far as D11 leaves room, else look for statements that read whole tables "
        "(D21, D28)."
    ),
    reference="MariaDB's documentation of the buffer pool (below 1 %); frappe/press#2361 (5 %)",
    is_sampled=True,
)
def buffer_pool_misses(server: DatabaseServer) -> Iterator[Measurement]:
    """Compare reads from the disk with all reads of the same time."""
    rates = server.rates
    requests = rates.increase("Innodb_buffer_pool_read_requests")
    reads = rates.increase("Innodb_buffer_pool_reads")
    text = f"{reads:,.0f} of {requests:,.0f} pages came from the disk in {duration_text(rates.seconds)}"
    if requests < LEAST_READS:
        yield Measurement(0, text=f"{text}: too few to judge")
        return
    evidence = [f"innodb_buffer_pool_size is {bytes_text(server.number('innodb_buffer_pool_size'))}"]
    if server.counter("Uptime") < HOUR_SECONDS:
        evidence.append("the server was started less than an hour ago: its pool is still being filled")
    yield Measurement(100 * reads / requests, text=text, evidence=tuple(evidence))
