"""Checks of how many clients a database server has, and how many fail."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ..._system.quantities import count_text, duration_text
from ..findings import CRITICAL, WARNING
from ..registry import Measurement, Remediation, check
from ..targets.database_server import DatabaseServer

PEAK_PERCENT = 85  # MySQLTuner's limit of Max_used_connections
THREADS_PER_CORE = 2
BUSY_SHARE_OF_CONNECTIONS = 0.6  # awesome-prometheus-alerts MysqlHighThreadsRunning
BUSY_THREADS = 50  # pt-online-schema-change stops there
# Fewer connections say nothing in percent: our own would be most of them.
LEAST_CONNECTIONS = 50


@check(
    "D03",
    "connections.used",
    title="Connections in use",
    subject="mariadb",
    target=DatabaseServer,
    measures="connections in use, in percent of max_connections",
    source="SHOW GLOBAL STATUS: Threads_connected, Max_used_connections, Connection_errors_max_connections",
    unit="percent",
    warning="80",
    critical="95",
    impact="critical",
    remediation=Remediation(
        "End idle connections, then raise max_connections (SET GLOBAL, and the option file) or lower the number of "
        "web and queue workers; extra_port keeps a way in for an administrator."
    ),
    reference="awesome-prometheus-alerts MysqlTooManyConnections (80 %); MySQLTuner (85 % for the peak)",
    is_sampled=True,
)
def connections_used(server: DatabaseServer) -> Iterator[Measurement]:
    """Compare the connections of now, and the most there ever were, with the limit."""
    limit = server.number("max_connections")
    used, peak = server.counter("Threads_connected"), server.counter("Max_used_connections")
    refused = server.recent_increase("Connection_errors_max_connections")
    text = f"{used:.0f} of {limit:.0f} connections are in use"
    if refused:
        text = f"{count_text(round(refused), 'connection')} refused because all were taken; {text}"
    yield Measurement(100 * used / limit, text=text, severity=CRITICAL if refused else "")
    peak_percent = 100 * peak / limit
    yield Measurement(
        peak_percent,
        "peak",
        f"at most {peak:.0f} of {limit:.0f} connections were in use since the server's start",
        severity=WARNING if peak_percent > PEAK_PERCENT else "ok",
    )


@check(
    "D04",
    "threads.running",
    title="Statements that run at the same time",
    subject="mariadb",
    target=DatabaseServer,
    measures="threads that run a statement, the fewest of two samples, without our own",
    source="SHOW GLOBAL STATUS: Threads_running",
    unit="count",
    critical=str(BUSY_THREADS),
    impact="medium",
    remediation=Remediation(
        "Look at SHOW PROCESSLIST and the slow statements (D21): one bad statement that many requests run is the usual "
        "cause; then at locks (D06, D07)."
    ),
    reference="awesome-prometheus-alerts MysqlHighThreadsRunning (60 %); pt-online-schema-change (50)",
    is_sampled=True,
)
def threads_running(server: DatabaseServer) -> Iterator[Measurement]:
    """Take what ran in both samples: a peak of a moment is none."""
    lowest = min((sample.counters["Threads_running"] for sample in server.samples), default=0.0)
    running = max(0.0, lowest - 1)
    limits = [BUSY_SHARE_OF_CONNECTIONS * server.number("max_connections")]
    if server.is_local:
        limits.append(THREADS_PER_CORE * (os.cpu_count() or 1))
    is_busy = min(limits) < running <= BUSY_THREADS
    text = f"{running:.0f} statements run at the same time; up to {min(limits):.0f} is usual here"
    yield Measurement(running, text=text, severity=WARNING if is_busy else "")


@check(
    "D05",
    "connections.aborted",
    title="Connections that failed or broke off",
    subject="mariadb",
    target=DatabaseServer,
    measures="connections between two samples that failed at the login, or ended without a goodbye, in percent",
    source="SHOW GLOBAL STATUS: Aborted_connects, Aborted_clients, Connections",
    unit="percent",
    warning="3",
    critical="10",
    impact="medium",
    remediation=Remediation(
        "Failed logins: look for a client with an old password, or a scanner (log_warnings = 2 names it in the error "
        "log). Broken connections: killed workers, max_allowed_packet, wait_timeout."
    ),
    reference="MySQLTuner (3 %)",
    is_sampled=True,
)
def connections_aborted(server: DatabaseServer) -> Iterator[Measurement]:
    """Compare both kinds of failures with the connections of the same time."""
    rates = server.rates
    connections = rates.increase("Connections")
    for item, counter in (("logins", "Aborted_connects"), ("clients", "Aborted_clients")):
        aborted = rates.increase(counter)
        text = f"{aborted:.0f} of {count_text(round(connections), 'connection')} in {duration_text(rates.seconds)}"
        if connections < LEAST_CONNECTIONS:
            yield Measurement(0, item, f"{text}: too few to judge")
        else:
            yield Measurement(100 * aborted / connections, item, text)
