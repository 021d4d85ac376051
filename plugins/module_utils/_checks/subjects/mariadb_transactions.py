"""Checks of transactions: how long they stay open, what that leaves behind, and how they get in each other's way."""

from __future__ import annotations

from collections.abc import Iterator

from ..._system.quantities import HOUR_SECONDS, count_text, duration_text
from ..findings import WARNING
from ..registry import Measurement, Remediation, check
from ..targets.database_server import DatabaseServer

HISTORY = "Innodb_history_list_length"
LONG_HISTORY = 50_000
EVIDENCE_LINES = 5


@check(
    "D07",
    "transactions.long",
    title="Transactions that stay open",
    subject="mariadb",
    target=DatabaseServer,
    measures="age of the oldest open transaction",
    source="information_schema.INNODB_TRX and PROCESSLIST",
    unit="seconds",
    warning="600",
    critical="3600",
    impact="high",
    remediation=Remediation(
        "Find out what the connection does (a job that waits for a web service within a transaction is usual), then "
        "end it: KILL with the id of the evidence undoes what it had not committed."
    ),
    reference="MySQLTuner (3600 s)",
)
def transactions_long(server: DatabaseServer) -> Iterator[Measurement]:
    """Read the open transactions, oldest first."""
    rows = server.query(
        # The time of the start is in the server's own time zone, NOW() in that of the session.
        "SELECT TIMESTAMPDIFF(SECOND, trx_started, CONVERT_TZ(NOW(), @@time_zone, 'SYSTEM')), trx_mysql_thread_id,"
        " trx_rows_locked, trx_rows_modified, COALESCE(thread.USER, ''), COALESCE(thread.DB, ''),"
        " COALESCE(thread.COMMAND, ''), COALESCE(thread.TIME_MS / 1000, 0)"
        " FROM information_schema.INNODB_TRX LEFT JOIN information_schema.PROCESSLIST thread"
        " ON thread.ID = trx_mysql_thread_id ORDER BY trx_started LIMIT %s",
        (EVIDENCE_LINES,),
    )
    if not rows:
        yield Measurement(0, text="no transaction is open")
        return
    lines = []
    for seconds, thread_id, locked, changed, user, database, command, command_seconds in rows:
        whose = server.label(str(database)) if database else user or "a prepared transaction"
        doing = f"idle for {duration_text(float(command_seconds))}" if command == "Sleep" else "running a statement"
        lines.append(
            f"connection {thread_id} of {whose}: open for {duration_text(float(seconds))}, "
            f"{count_text(int(locked), 'row')} locked, {changed:,} changed, {doing}"
        )
    yield Measurement(max(0.0, float(rows[0][0])), text=lines[0], evidence=tuple(lines[1:]))


@check(
    "D08",
    "transactions.history",
    title="Old versions of rows that cannot be removed yet",
    subject="mariadb",
    target=DatabaseServer,
    measures="transactions whose old versions of rows are still kept",
    source="SHOW GLOBAL STATUS: Innodb_history_list_length",
    unit="count",
    warning=str(LONG_HISTORY),
    critical="100000",
    impact="medium",
    remediation=Remediation(
        "End the oldest open transaction first (D07): nothing newer can be removed before it ends. Then look at "
        "innodb_purge_threads and innodb_max_purge_lag."
    ),
    reference="awesome-prometheus-alerts (50,000); MySQLTuner (100,000)",
    is_sampled=True,
)
def transactions_history(server: DatabaseServer) -> Iterator[Measurement]:
    """A long list that gets shorter is being dealt with: that is no more than a warning."""
    rates = server.rates
    length = server.counter(HISTORY)
    growth = length - rates.before.counters.get(HISTORY, length)
    course = "rising" if growth > 0 else "falling" if growth < 0 else "steady"
    is_falling = growth < 0 and length > LONG_HISTORY
    text = f"old versions of {count_text(round(length), 'transaction')} are kept, {course}"
    yield Measurement(length, text=text, severity=WARNING if is_falling else "")


@check(
    "D09",
    "transactions.deadlocks",
    title="Deadlocks",
    subject="mariadb",
    target=DatabaseServer,
    measures="deadlocks in an hour; those of a shorter time between two samples are not multiplied",
    source="SHOW GLOBAL STATUS: Innodb_deadlocks, Innodb_row_lock_waits, Innodb_row_lock_time",
    unit="count",
    warning="5",
    critical="60",
    impact="medium",
    remediation=Remediation(
        "SET GLOBAL innodb_print_all_deadlocks = ON writes both statements of each into the error log. Usual causes "
        "are jobs that change the same documents in another order, and missing indexes."
    ),
    reference="own proposal",
    is_sampled=True,
)
def transactions_deadlocks(server: DatabaseServer) -> Iterator[Measurement]:
    """Count deadlocks, and say how long rows were waited for."""
    rates = server.rates
    deadlocks = rates.increase("Innodb_deadlocks")
    waits = rates.increase("Innodb_row_lock_waits")
    waited_ms = rates.increase("Innodb_row_lock_time")
    text = f"{count_text(round(deadlocks), 'deadlock')} in {duration_text(rates.seconds)}"
    evidence = (
        [f"{count_text(round(waits), 'wait')} for a locked row, {waited_ms / waits:.0f} ms each"] if waits else []
    )
    if deadlocks and not server.is_on("innodb_print_all_deadlocks"):
        evidence.append("innodb_print_all_deadlocks is off: the statements are not in the error log")
    per_hour = deadlocks * HOUR_SECONDS / max(rates.seconds, HOUR_SECONDS)
    yield Measurement(per_hour, text=text, evidence=tuple(evidence))
