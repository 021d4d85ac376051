"""The plan for a staging database: what is dropped, what is loaded, what replicas get of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._backups.manifest import PHYSICAL
from .._mariadb.server import ServerFacts
from .._system.errors import LifeboatError
from .checks import PASSED, WARNING, Check
from .database_source import Origin
from .load_choice import LOGGED, SKIPPED, LoadChoice
from .promotion_state import NOT_BEGUN


@dataclass(frozen=True)
class DatabasePlan:
    """What has to be done.

    Attributes:
        loads: What to load, "" when nothing has to be.
        artifact_bytes: Its size.
        load: How it is loaded and why so; None when nothing has to be.
        drops: A staging database of an earlier try, or the one that is wanted gone, is dropped first.
        connections: How many connections will load.
        binary_log: What the binary log gets.
        warnings: What the person on call has to know.
    """

    loads: str = ""
    artifact_bytes: int = 0
    load: LoadChoice | None = None
    drops: str = ""
    connections: int = 0
    binary_log: str = LOGGED
    warnings: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nothing is to be done."""
        return not self.loads and not self.drops

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {
            "loads": self.loads,
            "artifact_bytes": self.artifact_bytes,
            "load": self.load.as_dict() if self.load else None,
            "drops": self.drops,
            "connections": self.connections,
            "binary_log": self.binary_log,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class StagedState:
    """What is there.

    Attributes:
        database: The staging database, "" when there is none.
        loaded_from: What the journal says it was loaded from and proven; None when it is not whole.
        status: How far the promotion is.
    """

    database: str
    loaded_from: Origin | None
    status: str


def plan_present(
    wanted: Origin, load: LoadChoice, state: StagedState, facts: ServerFacts, connections: int, binary_log: str
) -> DatabasePlan:
    """Plan for the staging database to be there, loaded from a source over some connections.

    An import is never in the binary log, whatever was asked for: it would be there without the files it imports, so
    neither a replica nor a replay of the log could follow it.
    """
    is_there = bool(state.database) and state.loaded_from == wanted
    if state.status != NOT_BEGUN or is_there:
        return DatabasePlan(binary_log=binary_log)
    effective = SKIPPED if load.kind == PHYSICAL and facts.binary_log else binary_log
    return DatabasePlan(
        loads=wanted.path,
        artifact_bytes=wanted.size_bytes,
        load=load,
        drops=state.database,
        connections=connections,
        binary_log=effective,
        warnings=binary_log_warnings(facts, effective),
    )


def plan_absent(state: StagedState) -> DatabasePlan:
    """Plan for the staging database to be gone.

    Raises:
        LifeboatError: ``database_in_use`` after a promotion began: the database then is, or was, the live one.
    """
    if state.database and state.status != NOT_BEGUN:
        raise LifeboatError(
            f"Refused to drop {state.database}: the promotion of its recovery has begun, so it is no staging database "
            "any more. Roll back or retire the recovery with lifeboat.frappe.site_promotion.",
            "database_in_use",
            {"database": state.database},
        )
    return DatabasePlan(drops=state.database)


def binary_log_warnings(facts: ServerFacts, binary_log: str) -> tuple[str, ...]:
    """Say what the load means for replicas and for a recovery to a point in time."""
    if not facts.binary_log:
        return ()
    if binary_log == LOGGED:
        if not facts.replica_count:
            return ()
        return (f"{facts.replica_count} replicas follow this server: they get the load and lag until it is through.",)
    return (
        "The load is kept out of the binary log: replicas of this server do not get it and must be seeded again, and "
        "a point in time after it needs a new base backup.",
    )


def check_replicas(facts: ServerFacts, binary_log: str) -> list[Check]:
    """Say in the plan of a recovery what the replicas of the server get of its load; nothing where none follows."""
    if not facts.replica_count:
        return []
    outcome = PASSED if binary_log == LOGGED else WARNING
    return [Check("replicas", outcome, text) for text in binary_log_warnings(facts, binary_log)]
