"""The check of statements that do not get on, and of who holds them up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..._system.quantities import count_text, duration_text
from ..findings import CRITICAL, WARNING
from ..registry import Measurement, Remediation, check
from ..targets.database_server import DatabaseServer

LOCK_STATE = "Waiting for table metadata lock"
STUCK_SECONDS = 300
MANY_STATEMENTS = 30
# After a start every table is opened for the first time.
WARM_UP_SECONDS = 600
EVIDENCE_LINES = 5


@dataclass(frozen=True)
class ServerThread:
    """A line of the process list, without its statement."""

    id: int
    user: str
    database: str
    command: str
    seconds: float
    state: str

    @property
    def is_held_up(self) -> bool:
        """Whether it waits for another connection that uses its table."""
        return self.state == LOCK_STATE

    @property
    def is_stuck(self) -> bool:
        """Whether it does not get on with opening a table, or with ending."""
        waits = self.state == "Opening tables" or self.command == "Killed"
        return waits and self.seconds >= STUCK_SECONDS


def read_threads(server: DatabaseServer) -> list[ServerThread]:
    """Read the process list, longest first."""
    rows = server.query(
        "SELECT ID, USER, COALESCE(DB, ''), COMMAND, TIME_MS / 1000, COALESCE(STATE, '')"
        " FROM information_schema.PROCESSLIST ORDER BY TIME_MS DESC"
    )
    return [
        ServerThread(int(row[0]), str(row[1]), str(row[2]), str(row[3]), float(row[4]), str(row[5])) for row in rows
    ]


@check(
    "D06",
    "statements.stuck",
    title="Statements that do not get on",
    subject="mariadb",
    target=DatabaseServer,
    measures="how long the longest statement has waited for a table's lock; statements that need 300 s to open "
    "a table or to end",
    source="information_schema.PROCESSLIST; METADATA_LOCK_INFO or performance_schema.metadata_locks for who blocks",
    unit="seconds",
    warning="30",
    impact="critical",
    remediation=Remediation(
        "Commit or end the connection that blocks (KILL with the id of the evidence), never the ones that wait: the "
        "next one would wait in their place. INSTALL SONAME 'metadata_lock_info' shows who blocks."
    ),
    reference="frappe/press mariadb_monitor (300 s, 30 statements)",
)
def statements_stuck(server: DatabaseServer) -> Iterator[Measurement]:
    """Look for what waits, and name who blocks."""
    server.require_view_of_all_threads()
    threads = read_threads(server)
    held_up = [thread for thread in threads if thread.is_held_up]
    has_started = server.status.get("Uptime", 0) > WARM_UP_SECONDS
    stuck = [thread for thread in threads if thread.is_stuck and has_started]
    if not held_up and not stuck:
        yield Measurement(0, text="no statement waits")
        return
    blockers = _blockers(server, threads, held_up) if held_up else []
    waiting = [
        f"connection {thread.id} of {_whose(server, thread)} waits for {duration_text(thread.seconds)}: {thread.state}"
        for thread in [*held_up, *stuck][:EVIDENCE_LINES]
    ]
    is_jammed = len(held_up) + len(stuck) >= MANY_STATEMENTS
    yield Measurement(
        held_up[0].seconds if held_up else 0,
        text="; ".join([count_text(len(held_up) + len(stuck), "statement") + " waiting", *blockers[:1]]),
        evidence=(*blockers, *waiting),
        severity=CRITICAL if is_jammed else WARNING if stuck else "",
    )


def _whose(server: DatabaseServer, thread: ServerThread) -> str:
    return server.label(thread.database) if thread.database else thread.user


def _blockers(server: DatabaseServer, threads: list[ServerThread], held_up: list[ServerThread]) -> list[str]:
    """Say who holds the locks: known from the server, or else the transactions that were there before."""
    by_id = {thread.id: thread for thread in threads}
    waiting_ids = {thread.id for thread in threads if thread.state == LOCK_STATE}
    known = _known_holders(server, {thread.database for thread in held_up})
    holders = known or [(thread_id, "") for thread_id in _transactions_before(server, held_up)]
    word = "blocked by" if known else "perhaps blocked by"
    return [
        f"{word} connection {holder_id}{_place(table)} ({_whose(server, by_id[holder_id])}, "
        f"{by_id[holder_id].command} for {duration_text(by_id[holder_id].seconds)})"
        for holder_id, table in holders
        if holder_id in by_id and holder_id not in waiting_ids
    ][:EVIDENCE_LINES]


def _place(table: str) -> str:
    return f" on {table}" if table else ""


def _known_holders(server: DatabaseServer, databases: set[str]) -> list[tuple[int, str]]:
    if server.query("SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'METADATA_LOCK_INFO'"):
        # The plugin knows who holds what, and not who waits for it: that is in the statement that waits.
        rows = server.query(
            "SELECT DISTINCT held.THREAD_ID, held.TABLE_SCHEMA, held.TABLE_NAME"
            " FROM information_schema.METADATA_LOCK_INFO held JOIN information_schema.PROCESSLIST waiting"
            " ON LOCATE(held.TABLE_NAME, waiting.INFO) > 0 AND waiting.ID <> held.THREAD_ID"
            " WHERE held.LOCK_TYPE = 'Table metadata lock' AND waiting.STATE = %s",
            (LOCK_STATE,),
        )
    elif server.is_on("performance_schema"):
        # Only tables that somebody waits for are of interest.
        rows = server.query(
            "SELECT DISTINCT threads.PROCESSLIST_ID, held.OBJECT_SCHEMA, held.OBJECT_NAME"
            " FROM performance_schema.metadata_locks held"
            " JOIN performance_schema.metadata_locks wanted ON wanted.OBJECT_SCHEMA = held.OBJECT_SCHEMA"
            " AND wanted.OBJECT_NAME = held.OBJECT_NAME AND wanted.LOCK_STATUS = 'PENDING'"
            " JOIN performance_schema.threads ON threads.THREAD_ID = held.OWNER_THREAD_ID"
            " WHERE held.OBJECT_TYPE = 'TABLE' AND held.LOCK_STATUS = 'GRANTED'"
        )
    else:
        return []
    return [(int(row[0]), str(row[2])) for row in rows if str(row[1]) in databases]


def _transactions_before(server: DatabaseServer, held_up: list[ServerThread]) -> list[int]:
    """Return the connections in the same databases whose transaction is older than what waits, oldest first."""
    longest = max(held_up, key=lambda thread: thread.seconds)
    rows = server.query(
        "SELECT thread.ID FROM information_schema.INNODB_TRX transaction"
        " JOIN information_schema.PROCESSLIST thread ON thread.ID = transaction.trx_mysql_thread_id"
        " WHERE thread.DB = %s AND thread.ID <> %s ORDER BY transaction.trx_started",
        (longest.database, longest.id),
    )
    return [int(row[0]) for row in rows]
