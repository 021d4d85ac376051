"""Staging a site's database: loaded from a set into a database of its own and proven, or not there at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._backups.drill_records import imported_manifests, read_drill_records
from .._backups.keys import find_key
from .._backups.names import SITE_CONFIG
from .._backups.repository import REPOSITORY_PATH, Repository
from .._bench.layout import Site
from .._mariadb.accounts import account_hosts, create_account, drop_account_at, end_connections, lock_account
from .._mariadb.connection import LoginOptions, connect, execute, fetch_all, server_errors
from .._mariadb.identifiers import quote_identifier, quote_string
from .._mariadb.load_target import LoadResult, LoadTarget
from .._mariadb.server import ServerFacts, database_exists, local_datadir, read_server_facts
from .._system.errors import LifeboatError
from .._system.progress import ProgressReporter
from .base_load import CREATE_DATABASE
from .cleanup import remove_staged_database
from .database_plan import DatabasePlan, StagedState, plan_absent, plan_present
from .database_proof import prove_database
from .database_source import Loadable, Origin
from .journal import Journal
from .load_choice import LOGGED, SKIPPED
from .point_source_choice import PointRequest, choose_point_source
from .promotion_plan import hosts_for, look_at_site, set_configuration_of
from .promotion_state import finished_steps, promotion_status
from .record import recorded
from .record_summary import DATABASE_STEP as STEP
from .site_values import promoted_configuration
from .source_choice import ChosenSource, choose_source
from .space import require_space, space_watch

if TYPE_CHECKING:
    from pymysql.connections import Connection

REMOVED = "removed"
DRAIN_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class DatabaseRequest:
    """What was asked for; the options of ``staging_database``.

    Attributes:
        connections: How many connections load; None for one a core, at most eight.
        binary_log: Whether the server's binary log, hence its replicas, get the load: ``logged`` or ``skipped``.
        artifact: A dump to take in place of the set's.
        reserve_bytes: What must stay free where the server keeps its data.
        repository_path: Where the archives of binary logs lie.
        drain_timeout_seconds: How long running jobs may take to end, where the site is closed for the end of its log.
    """

    site: Site
    state_path: Path
    journal: Journal
    login: LoginOptions
    encryption_key: str | None = field(default=None, repr=False)
    connections: int | None = None
    binary_log: str = LOGGED
    artifact: Path | None = None
    reserve_bytes: int = 0
    repository_path: Path = Path(REPOSITORY_PATH)
    drain_timeout_seconds: float = DRAIN_TIMEOUT_SECONDS


def look(
    request: DatabaseRequest, connection: Connection[Any], present: bool, progress: ProgressReporter
) -> DatabasePlan:
    """Return the plan for the site and server as they are now; changes nothing."""
    journal = request.journal
    name = str(journal.fact("staging_database") or "")
    done = _done_facts(journal)
    with server_errors(f"look for the staging database of recovery {journal.recovery}"):
        state = StagedState(
            database=name if name and database_exists(connection, name) else "",
            loaded_from=Origin(done["artifact"], done["artifact_bytes"]) if done else None,
            status=promotion_status(journal),
        )
        facts = read_server_facts(connection)
    if not present:
        return plan_absent(state)
    chosen = _choose(request, facts, connection, progress)
    connections = request.connections or chosen.connections
    return plan_present(chosen.source.origin, chosen.load, state, facts, connections, request.binary_log)


def stage_database(
    request: DatabaseRequest, plan: DatabasePlan, connection: Connection[Any], progress: ProgressReporter
) -> None:
    """Load a source into a new database and prove it; on any failure neither it nor its account stays.

    Raises:
        LifeboatError: ``disk_space``, ``caller_gone``, ``mariadb_lost``, ``proof_failed``, and what opening, reading
            and loading a dump raises.
    """
    journal = request.journal
    _drop(request, connection)
    with server_errors("look at the server"):
        facts = read_server_facts(connection)
    source = _choose(request, facts, connection, progress).source
    datadir = local_datadir(facts)
    database = f"_{secrets.token_hex(8)}"
    journal.append(STEP, "named", staging_database=database, binary_log=plan.binary_log)
    with journal.step(STEP) as found:
        try:
            with source.opened(journal.scratch_path, progress) as loadable:
                if datadir is not None:
                    require_space(datadir, loadable.needed_bytes(datadir), request.reserve_bytes)
                with journal.step(f"{STEP}.create"):
                    account = _create(request, plan, connection, database)
                with journal.step(f"{STEP}.load") as loading:
                    loaded = _load(request, plan, account, facts, loadable, progress)
                    loading["bytes"] = loaded.loaded_bytes
            with journal.step(f"{STEP}.prove"):
                proof = _prove(request, plan, connection, account, loaded)
        except BaseException:
            _drop_after_failure(request, database)
            raise
        found.update(
            artifact=plan.loads,
            artifact_bytes=plan.artifact_bytes,
            bytes=loaded.loaded_bytes,
            tables=len(loaded.rows),
            rows=sum(loaded.rows.values()),
            binary_log=plan.binary_log,
            load=plan.load.as_dict() if plan.load else None,
            proof=proof,
        )


@dataclass(frozen=True)
class _Account:
    """The account of the staging database while it is loaded."""

    database: str
    password: str = field(repr=False)
    hosts: tuple[str, ...]
    own_host: str

    @property
    def extra_hosts(self) -> tuple[str, ...]:
        """The host part that only the load needs."""
        return () if self.own_host in self.hosts else (self.own_host,)


def _create(request: DatabaseRequest, plan: DatabasePlan, connection: Connection[Any], database: str) -> _Account:
    """Create the database and its account: under the hosts of the account that it will replace, and from here."""
    live = look_at_site(request.site)
    user = live.address.db_user if live.address else str(request.journal.plan()["replaces"]["db_name"])
    with server_errors(f"create the staging database {database}"):
        if plan.binary_log == SKIPPED:
            execute(connection, "SET SESSION sql_log_bin = 0")
        hosts = account_hosts(connection, user) or hosts_for(live.address)
        # USER() is how the server sees this host, whatever account matched.
        own_host = str(fetch_all(connection, "SELECT SUBSTRING_INDEX(USER(), '@', -1)")[0][0])
        account = _Account(database, secrets.token_urlsafe(24), tuple(hosts), own_host)
        execute(connection, CREATE_DATABASE.format(quote_identifier(database)))
        create_account(connection, database, [*hosts, *account.extra_hosts], account.password, database)
        if plan.binary_log == SKIPPED:
            execute(connection, f"GRANT BINLOG ADMIN ON *.* TO {_quoted_account(database, own_host)}")
    return account


def _quoted_account(user: str, host: str) -> str:
    return f"{quote_string(user)}@{quote_string(host)}"


def _choose(
    request: DatabaseRequest, facts: ServerFacts, connection: Connection[Any], progress: ProgressReporter
) -> ChosenSource:
    plan = request.journal.plan()
    if plan.get("replay") and request.artifact is None:
        point = PointRequest(
            request.site,
            request.journal,
            request.login,
            Repository(request.repository_path),
            _key(request),
            request.binary_log,
            request.drain_timeout_seconds,
            request.reserve_bytes,
        )
        return choose_point_source(point, facts, connection, progress)
    return choose_source(
        plan["set"],
        request.artifact,
        _key(request),
        facts,
        request.binary_log,
        request.reserve_bytes,
        imported_manifests(read_drill_records(request.state_path, request.site.name)),
    )


def _load(
    request: DatabaseRequest,
    plan: DatabasePlan,
    account: _Account,
    facts: ServerFacts,
    loadable: Loadable,
    progress: ProgressReporter,
) -> LoadResult:
    target = LoadTarget(
        login=request.login.with_account(account.database, account.password),
        database=account.database,
        administrator=request.login,
        definer_host=account.hosts[0],
        connections=plan.connections,
        is_logged=plan.binary_log == LOGGED,
    )
    return loadable.load(target, facts, progress, space_watch(local_datadir(facts), request.reserve_bytes))


def _prove(
    request: DatabaseRequest, plan: DatabasePlan, connection: Connection[Any], account: _Account, loaded: LoadResult
) -> dict[str, Any]:
    database = account.database
    from_set = set_configuration_of(request.journal.plan(), request.site, request.encryption_key)
    live = look_at_site(request.site).configuration
    promoted = promoted_configuration(live, from_set, database, "", {})
    with server_errors(f"prove the staging database {database}"):
        proof = prove_database(connection, database, loaded, promoted.get("encryption_key"))
        if plan.binary_log == SKIPPED:
            execute(connection, f"REVOKE BINLOG ADMIN ON *.* FROM {_quoted_account(database, account.own_host)}")
        for host in account.extra_hosts:
            drop_account_at(connection, database, host)
    return proof


def _drop(request: DatabaseRequest, connection: Connection[Any]) -> None:
    with server_errors(f"drop the staging database of recovery {request.journal.recovery}"):
        if request.journal.fact("binary_log") == SKIPPED:
            # Replicas never got the account: locking it would stop them.
            execute(connection, "SET SESSION sql_log_bin = 0")
        name = request.journal.fact("staging_database")
        if name:
            lock_account(connection, name)
            end_connections(connection, name)
    remove_staged_database(connection, request.journal)


def _drop_after_failure(request: DatabaseRequest, database: str) -> None:
    """Drop what was built, over a new connection: the other may be the one that failed.

    When the server is gone this fails too; the next run drops it then, the journal has its name.
    """
    try:
        with administrator(request.login) as connection:
            _drop(request, connection)
    except LifeboatError as error:
        request.journal.append(f"{STEP}.drop", "failed", error_code=error.error_code, database=database)


@contextmanager
def administrator(login: LoginOptions) -> Iterator[Connection[Any]]:
    """Connect as the administrator for as long as the body runs."""
    connection = connect(login)
    try:
        yield connection
    finally:
        if connection.open:
            connection.close()


def _key(request: DatabaseRequest) -> str | None:
    artifacts = request.journal.plan()["set"]["artifacts"]
    own = next((Path(artifact["path"]) for artifact in artifacts if artifact["kind"] == SITE_CONFIG), None)
    return find_key(request.encryption_key, own, request.site.config_path)[0]


def bring_to_state(
    request: DatabaseRequest, present: bool, check_mode: bool, progress: ProgressReporter
) -> dict[str, Any]:
    """Bring the staging database to the wanted state, leave a record of it, and return the result of the module."""
    with administrator(request.login) as connection:
        plan = look(request, connection, present, progress)
        before = _staged(request.journal)
        if not plan.is_empty and not check_mode:
            state = "present" if present else "absent"
            what: dict[str, Any] = {"module": STEP, "site": request.site.name, "state": state}
            what["recovery"] = request.journal.recovery
            what["kind"] = _kind(request.journal, plan)
            with recorded(request.state_path, **what) as record:
                if present:
                    stage_database(request, plan, connection, progress)
                else:
                    _drop(request, connection)
                    request.journal.append(STEP, REMOVED)
                record.update(_staged(request.journal))
    after = _staged(request.journal)
    return {
        "changed": not plan.is_empty,
        "plan": plan.as_dict(),
        **after,
        "steps": finished_steps(request.journal, STEP),
        "diff": {"before": _shown(before), "after": _planned(plan) if check_mode else _shown(after)},
    }


def _kind(journal: Journal, plan: DatabasePlan) -> str:
    """Say how it was loaded, by which later estimates tell rates apart."""
    kind = plan.load.kind if plan.load else ""
    return f"{kind}+replay" if journal.plan().get("replay") else kind


def _done_facts(journal: Journal) -> Mapping[str, Any]:
    done = [entry.facts for entry in journal.entries() if entry.step == STEP and entry.event == "done"]
    return done[-1] if done and journal.is_done(STEP) else {}


def _staged(journal: Journal) -> dict[str, Any]:
    """Return what the journal says is staged now, always with the same keys."""
    facts = _done_facts(journal)
    return {
        "database": journal.fact("staging_database") if facts else "",
        "tables": facts.get("tables", 0),
        "rows": facts.get("rows", 0),
        "bytes": facts.get("bytes", 0),
        "proof": facts.get("proof", {}),
    }


def _shown(staged: Mapping[str, Any]) -> dict[str, Any]:
    return {name: staged[name] for name in ("database", "tables", "rows")}


def _planned(plan: DatabasePlan) -> dict[str, Any]:
    return {"loads": plan.loads, "drops": plan.drops}
