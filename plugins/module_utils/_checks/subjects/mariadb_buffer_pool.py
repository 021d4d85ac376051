"""Checks of InnoDB's buffer pool: whether what is read and changed fits into it."""

from __future__ import annotations

from collections.abc import Iterator

from ..._system.quantities import HOUR_SECONDS, bytes_text, count_text, duration_text
from ..findings import CRITICAL, OK, WARNING
from ..registry import Measurement, Remediation, check
from ..targets.database_server import DatabaseServer

# Fewer reads say nothing in percent.
LEAST_READS = 10_000
LEAST_READ_AHEAD_PAGES = 1000
EVICTED_PERCENT = 20  # own proposal


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


@check(
    "D12",
    "buffer_pool.waits",
    title="Waits for a free page of the buffer pool",
    subject="mariadb",
    target=DatabaseServer,
    measures="times between two samples that a statement waited for a page to be written before it could read its own",
    source="SHOW GLOBAL STATUS: Innodb_buffer_pool_wait_free, Innodb_buffer_pool_read_ahead_evicted",
    unit="count",
    warning="0",
    impact="medium",
    remediation=Remediation(
        "Raise innodb_io_capacity to what the disk can do, and innodb_buffer_pool_size as far as D11 leaves room."
    ),
    reference="MariaDB's documentation of Innodb_buffer_pool_wait_free; MySQLTuner",
    is_sampled=True,
)
def buffer_pool_waits(server: DatabaseServer) -> Iterator[Measurement]:
    """Count the waits, of which those of two runs in a row are critical; and pages that were read for nothing."""
    rates = server.rates
    waits = rates.increase("Innodb_buffer_pool_wait_free")
    fetched = rates.increase("Innodb_buffer_pool_read_ahead")
    evicted = rates.increase("Innodb_buffer_pool_read_ahead_evicted")
    earlier = server.surroundings.history.points("D12", server.name)
    lasts = bool(waits and earlier and earlier[-1].value)
    text = f"{count_text(round(waits), 'wait')} for a free page in {duration_text(rates.seconds)}"
    yield Measurement(
        waits, text=f"{text}, and in the run before as well" if lasts else text, severity=CRITICAL if lasts else ""
    )
    is_wasted = fetched >= LEAST_READ_AHEAD_PAGES and 100 * evicted > EVICTED_PERCENT * fetched
    yield Measurement(
        evicted,
        "read ahead",
        f"{evicted:,.0f} of {fetched:,.0f} pages that were read ahead went before they were used",
        severity=WARNING if is_wasted else OK,
    )
