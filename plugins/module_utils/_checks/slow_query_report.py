"""The digest of slow statements with plans and advice, and what is remembered for the next one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from .._bench.configuration import database_address, read_configuration
from .._bench.layout import Bench
from .._mariadb.connection import LoginOptions, connect, execute, fetch_all, server_errors
from .._mariadb.digest.fingerprint import is_plain_select
from .._mariadb.digest.plan import smells
from .._mariadb.digest.summary import Baseline, StatementClass
from .._mariadb.indexes import Query
from .._mariadb.plans import explain, plan_connection
from .._recovery.login import administrator_login
from .._system.errors import LifeboatError
from .._system.files import make_private_folder
from .._system.json_lines import append_json_line, read_json_lines
from .index_advice import missing_indexes
from .slow_statements import AUTO, FROM_THE_START, SLOW_LOG, Cursor, compared_with, next_baseline, read_slow_statements

STATE_NAME = "slow_queries.jsonl"
# About a thousand digests of fifty fingerprints, in two generations.
STATE_LIMIT_BYTES = 4 * 1024 * 1024
# Where a site is not known, the reader puts its name into the command.
UNKNOWN_SITE = "SITE"


@dataclass(frozen=True)
class DigestOptions:
    """What is asked for.

    Attributes:
        source: ``slow_log``, ``performance_schema`` or ``auto``.
        path: The slow log; empty for the one that the server writes.
        limit: How many fingerprints are returned.
        limit_bytes: How much of the log's end is read at most.
        explain: Whether the server is asked for plans.
        explain_seconds: How long one such question may take.
        since_last: Whether to read only what came since the last digest that was kept.
        sites: Only these sites' statements; empty for all.
        state_path: The folder of the collection's state.
        keep_history: Whether the digest is remembered, to compare the next one with.
    """

    source: str = AUTO
    path: str = ""
    limit: int = 10
    limit_bytes: int = 64 * 1024 * 1024
    explain: bool = True
    explain_seconds: float = 2.0
    since_last: bool = False
    sites: tuple[str, ...] = ()
    state_path: Path = Path("/var/lib/lifeboat")
    keep_history: bool = False


@dataclass(frozen=True)
class Remembered:
    """What the last digest of a server left."""

    at_seconds: float = 0.0
    cursor: Cursor = FROM_THE_START
    known: Mapping[str, Baseline] | None = field(default=None)


def site_schemas(benches: Iterable[Bench]) -> dict[str, str]:
    """Return the database of each site of some benches, with the site's name; unreadable sites are left out."""
    found = {}
    for bench in benches:
        for site in bench.sites():
            try:
                common = read_configuration(bench.common_config_path)
                address = database_address(read_configuration(site.config_path), common)
            except LifeboatError:
                continue
            found[address.db_name] = site.name
    return found


def administrator_of(benches: Iterable[Bench], login: LoginOptions) -> LoginOptions:
    """Fill what a login leaves open from the first site of some benches, as the other modules do."""
    first = next((site for bench in benches for site in bench.sites()), None)
    return login if first is None else administrator_login(login, first.bench, first.name)


def report_slow_queries(
    login: LoginOptions, site_names: Mapping[str, str], options: DigestOptions, now: Callable[[], float]
) -> dict[str, Any]:
    """Digest a server's slow statements.

    Args:
        login: The administrator of the server.
        site_names: Databases of sites, each with the name of its site.
        options: What is asked for.
        now: The time now, in Unix time.

    Returns:
        What the module returns; no value of any row is in it.

    Raises:
        LifeboatError: ``slow_queries_unreadable``, or as ``connect`` and ``server_errors`` do.
    """
    remembered = _read_state(options.state_path, login.address)
    connection = connect(login)

    def query(statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with server_errors("read what the advice needs"):
            return fetch_all(connection, statement, arguments)

    try:
        with server_errors("prepare a connection that only reads"):
            execute(connection, f"SET SESSION max_statement_time = {options.explain_seconds:g}")
            execute(connection, "SET SESSION TRANSACTION READ ONLY")
        variables = {str(name).lower(): str(value) for name, value in query("SHOW GLOBAL VARIABLES")}
        slow = read_slow_statements(
            query,
            variables,
            source=options.source,
            path=options.path,
            limit_bytes=options.limit_bytes,
            cursor=remembered.cursor if options.since_last else FROM_THE_START,
        )
        since_seconds = remembered.at_seconds if options.since_last and slow.source != SLOW_LOG else 0.0
        classes = compared_with(slow.digest(since_seconds), remembered.known)
        at_seconds = now()
        if options.keep_history:
            known = next_baseline(classes, remembered.known or {})
            _write_state(options.state_path, login.address, Remembered(at_seconds, slow.cursor, known))
        chosen = [kind for kind in classes if not options.sites or site_names.get(kind.schema) in options.sites]
        queries = [
            {
                **kind.as_dict(rank),
                "site": site_names.get(kind.schema, ""),
                **(_examined(login, query, kind, site_names, options) if options.explain else _not_examined("")),
            }
            for rank, kind in enumerate(chosen[: options.limit], 1)
        ]
    finally:
        connection.close()
    return {
        "source": slow.source,
        "path": slow.path,
        "is_cut": slow.is_cut,
        "compared_with_seconds": remembered.at_seconds or None,
        "statement_count": sum(kind.calls for kind in chosen),
        "fingerprint_count": len(chosen),
        "total_seconds": round(sum(kind.total_seconds for kind in chosen), 6),
        "queries": queries,
    }


def _examined(
    login: LoginOptions, query: Query, kind: StatementClass, site_names: Mapping[str, str], options: DigestOptions
) -> dict[str, Any]:
    if not is_plain_select(kind.slowest):
        return _not_examined("it is no plain SELECT" if kind.slowest else "no sample of it is known")
    try:
        with plan_connection(login, kind.schema, options.explain_seconds) as connection, server_errors("explain it"):
            plan = explain(connection, kind.slowest)
        advice = missing_indexes(query, kind, plan)
    except (LifeboatError, ValueError) as error:
        reason = error.message if isinstance(error, LifeboatError) else "the server's plan cannot be read"
        return _not_examined(reason)
    site = site_names.get(kind.schema, UNKNOWN_SITE)
    return {"smells": smells(plan), "advice": [one.as_dict(site) for one in advice], "not_explained": ""}


def _not_examined(reason: str) -> dict[str, Any]:
    return {"smells": [], "advice": [], "not_explained": reason}


def _read_state(state_path: Path, server: str) -> Remembered:
    try:
        records = read_json_lines(state_path / STATE_NAME)
    except OSError:
        return Remembered()
    record = next((one for one in reversed(records) if one.get("server") == server), None)
    if record is None:
        return Remembered()
    known = {name: Baseline(*values) for name, values in record["known"].items()}
    return Remembered(record["at_seconds"], Cursor(*record["cursor"]), known)


def _write_state(state_path: Path, server: str, remembered: Remembered) -> None:
    known = remembered.known or {}
    make_private_folder(state_path)
    record = {
        "server": server,
        "at_seconds": remembered.at_seconds,
        "cursor": [remembered.cursor.inode, remembered.cursor.end_bytes],
        "known": {name: [one.typical_seconds, one.first_seen_seconds] for name, one in known.items()},
    }
    append_json_line(state_path / STATE_NAME, record, STATE_LIMIT_BYTES)
