"""Measuring a server's load: its counters of two samples, and what runs beside it on its host."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Callable

from ..._bench.processes import Process
from ..._checks.rates import LEAST_SECONDS, Rates, Sample
from ..._checks.registry import UnmeasurableError
from ..._checks.subjects.mariadb_buffer_pool import LEAST_READS
from ..._checks.subjects.mariadb_growth import table_sizes
from ..._checks.subjects.mariadb_memory import own_processes, performance_schema_bytes
from ..._checks.subjects.mariadb_redo import LEAST_SECONDS_FOR_SIZE, file_count
from ..._checks.subjects.mariadb_tables import LEAST_TEMPORARY_TABLES
from ..._checks.targets.database_server import DatabaseServer
from ..._checks.targets.host import Host
from ..._mariadb.digest.summary import percentile
from ..._mariadb.memory_need import memory_need
from ..._system.quantities import HOUR_SECONDS
from .host_memory import BenchesOfHost, measure_host
from .load import Load


def take_samples(server: DatabaseServer, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Read the server's counters twice, or once where there is no time between."""
    server.samples.append(server.read_sample())
    if seconds:
        sleep(seconds)
        server.samples.append(server.read_sample())


def server_process(server: DatabaseServer, host: Host) -> Process | None:
    """Return the process of a server, or None where it runs elsewhere or cannot be told from others."""
    if not server.is_local:
        return None
    own = own_processes(server, host)
    return next((process for process in host.processes if {process.pid} == own), None)


def measure_load(
    server: DatabaseServer,
    benches: BenchesOfHost,
    process: Process | None,
    variables: Mapping[str, str],
    settled_at_seconds: float,
) -> Load:
    """Measure what a server does.

    Args:
        server: The server; its counters were sampled.
        benches: What runs beside it.
        process: Its process; None where it runs elsewhere.
        variables: Its variables, as they will be after the next restart.
        settled_at_seconds: When its settings were last changed, in Unix time; what was before tells nothing.

    Raises:
        UnmeasurableError: The server does not tell its counters.
    """
    peak = int(server.counter("Max_used_connections"))
    sample = server.samples[-1]
    since_seconds = max(sample.started_at_seconds, settled_at_seconds)
    rates = _rates(server, since_seconds)
    return Load(
        version=server.variables["version"],
        variables=variables,
        seen_seconds=sample.at_seconds - since_seconds,
        need=memory_need(server.variables, server.number, peak, performance_schema_bytes(server)),
        host=measure_host(benches, process) if process else None,
        innodb_bytes=_innodb_bytes(server),
        used_pool_bytes=server.counter("Innodb_buffer_pool_bytes_data"),
        miss_percent=_percent(rates, "Innodb_buffer_pool_reads", "Innodb_buffer_pool_read_requests", LEAST_READS),
        hour_bytes=_hour_bytes(server, rates, since_seconds),
        redo_files=int(file_count(server)),
        free_bytes=_free_bytes(server) if process else None,
        peak_connections=peak,
        expected_connections=benches.connections,
        tables=int(server.query("SELECT COUNT(*) FROM information_schema.INNODB_SYS_TABLESPACES")[0][0]),
        active_tables=int(server.counter("Open_table_definitions")),
        sites=len(server.database_names),
        overflows=rates.increase("Table_open_cache_overflows"),
        opened_per_second=rates.per_second("Opened_tables"),
        open_files_limit=int(server.number("open_files_limit")),
        temporary_percent=_percent(rates, "Created_tmp_disk_tables", "Created_tmp_tables", LEAST_TEMPORARY_TABLES),
        writes_binary_log=server.is_on("log_bin"),
    )


def _rates(server: DatabaseServer, since_seconds: float) -> Rates:
    """Return the longest comparison: with the last run of the checks, unless the settings were changed after it.

    Else the two samples are compared, and a single one with the server's start, when all counters were 0.
    """
    with suppress(UnmeasurableError):
        if server.rates.before.at_seconds >= since_seconds:
            return server.rates
    first, last = server.samples[0], server.samples[-1]
    if first is not last:
        return Rates(first, last)
    # A server that was started just now has an uptime of no second at all.
    started = min(last.started_at_seconds, last.at_seconds - LEAST_SECONDS)
    return Rates(Sample(started, started, dict.fromkeys(last.counters, 0.0)), last)


def _percent(rates: Rates, part: str, whole: str, least: int) -> float | None:
    """Return the growth of one counter in percent of another's: of late, or where that is little since the start."""
    counters = rates.after.counters
    if rates.increase(whole) >= least:
        return rates.share(part, whole)
    return 100 * counters[part] / counters[whole] if counters[whole] >= least else None


def _hour_bytes(server: DatabaseServer, rates: Rates, since_seconds: float) -> float:
    """Return what 95 of 100 hours write to the redo log at most, as far as earlier runs of the checks know.

    They remember how many hours of changes the log holds, in percent, and it had the same size since the settings were
    last changed. It is no less than the average since the server's start, which is all that is known without them.
    """
    sample = rates.after
    size_bytes = server.number("innodb_log_file_size") * file_count(server)
    points = server.surroundings.history.points("D13", server.name, "size")
    hours = [100 * size_bytes / point.value for point in points if point.at_seconds >= since_seconds and point.value]
    if rates.seconds >= LEAST_SECONDS_FOR_SIZE:
        hours.append(rates.per_second("Innodb_os_log_written") * HOUR_SECONDS)
    up_seconds = max(1.0, sample.at_seconds - sample.started_at_seconds)
    average = sample.counters["Innodb_os_log_written"] * HOUR_SECONDS / up_seconds
    return max(percentile(hours), average) if hours else average


def _innodb_bytes(server: DatabaseServer) -> float:
    """Return the bytes of the sites' tables, or of all tablespaces that were opened where those are more."""
    opened = server.query("SELECT COALESCE(SUM(FILE_SIZE), 0) FROM information_schema.INNODB_SYS_TABLESPACES")[0][0]
    with suppress(UnmeasurableError):
        return max(float(opened), float(sum(size for sizes in table_sizes(server).values() for size, _name in sizes)))
    return float(opened)


def _free_bytes(server: DatabaseServer) -> float | None:
    folder = server.surroundings.root / server.variables["datadir"].lstrip("/")
    return float(shutil.disk_usage(folder).free) if folder.is_dir() else None
