"""One run of the promotion of a recovery, its rollback or its retirement: under the lock, with a record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from .._bench.layout import Bench, Site
from .._system.errors import LifeboatError
from .._system.progress import output_reader_is_gone
from .journal import Journal, journals
from .lock import SiteLock
from .promotion import promote
from .promotion_plan import plan_promotion
from .promotion_state import PROMOTE, RETIRE, ROLL_BACK, Intent, finished_steps
from .record import recorded
from .retention import Kept, expired_recoveries, last_promoted, plan_retirement, retire, what_is_kept
from .rollback import plan_rollback, roll_back
from .surroundings import Surroundings, find_surroundings

if TYPE_CHECKING:
    from pymysql.connections import Connection

MODULE_NAME = "site_promotion"
EXPIRY = "expiry"
STANDARD_OUTPUT = 1


@dataclass(frozen=True)
class PromotionRequest:
    """What was asked for; the options of ``site_promotion``."""

    site: Site
    state_path: Path
    recovery: str
    drain_timeout_seconds: float
    reload_timeout_seconds: float
    check_mode: bool
    encryption_key: str | None = field(default=None, repr=False)


def run_promoted(
    connection: Connection[Any],
    request: PromotionRequest,
    look_around: Callable[[Bench], Surroundings] = find_surroundings,
) -> dict[str, Any]:
    """Promote what the recovery staged; see ``plan_promotion`` for what is refused."""
    journal = _journal(request)
    with _lock(request, journal):
        plan = plan_promotion(connection, request.site, journal, request.encryption_key)
        if plan.needed and not request.check_mode:
            surroundings = look_around(request.site.bench)
            timeouts = (request.drain_timeout_seconds, request.reload_timeout_seconds)
            with _recorded(request, journal, PROMOTE):
                promote(
                    connection, request.site, journal, plan, surroundings, *timeouts, is_caller_gone=_caller_is_gone
                )
        result = _result(request, journal, PROMOTE, plan.needed, plan.as_dict())
        return {**result, **_databases(plan.intent, is_live=True), "kept": _kept(request.site, journal)}


def run_rolled_back(
    connection: Connection[Any],
    request: PromotionRequest,
    look_around: Callable[[Bench], Surroundings] = find_surroundings,
) -> dict[str, Any]:
    """Put back what the recovery replaced; see ``plan_rollback`` for what is refused."""
    journal = _journal(request)
    with _lock(request, journal):
        plan = plan_rollback(connection, request.site, journal)
        if plan.needed and not request.check_mode:
            surroundings = look_around(request.site.bench)
            with _recorded(request, journal, ROLL_BACK):
                roll_back(connection, request.site, journal, plan, surroundings, request.reload_timeout_seconds)
        result = _result(request, journal, ROLL_BACK, plan.needed, plan.as_dict())
        return {**result, **_databases(plan.intent, is_live=False), "kept": _kept(request.site, journal)}


def run_retired(connection: Connection[Any], request: PromotionRequest) -> dict[str, Any]:
    """Delete what the recovery keeps; see ``plan_retirement`` for what is refused."""
    journal = _journal(request)
    with _lock(request, journal):
        kept = plan_retirement(connection, request.site, journal)
        if kept is not None and not request.check_mode:
            _retire(connection, request, journal, kept)
        plan = {
            "steps": [RETIRE] if kept else [],
            "deleted": asdict(kept) if kept else None,
            "also_kept": _kept_by_others(request, journal),
        }
        return {**_result(request, journal, RETIRE, kept is not None, plan), "kept": _kept(request.site, journal)}


def run_expired(connection: Connection[Any], request: PromotionRequest, now: datetime) -> dict[str, Any]:
    """Delete what recoveries of the site keep and has expired; what may not be deleted is named and stays."""
    deleted: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    with _lock(request, None):
        for journal in expired_recoveries(request.state_path, request.site, now):
            try:
                kept = plan_retirement(connection, request.site, journal)
            except LifeboatError as error:
                refused.append({"recovery": journal.recovery, "error_code": error.error_code, "reason": error.message})
                continue
            if kept is not None:
                if not request.check_mode:
                    _retire(connection, request, journal, kept)
                deleted.append({"recovery": journal.recovery, **asdict(kept)})
    plan = {"steps": [RETIRE] * len(deleted), "deleted": deleted, "refused": refused}
    return {**_result(request, None, RETIRE, bool(deleted), plan), "kept": None}


def _caller_is_gone() -> bool:
    return output_reader_is_gone(STANDARD_OUTPUT)


def _retire(connection: Connection[Any], request: PromotionRequest, journal: Journal, kept: Kept) -> None:
    with _recorded(request, journal, RETIRE):
        retire(connection, request.site, journal, kept)


def _journal(request: PromotionRequest) -> Journal:
    if request.recovery:
        return Journal.open(request.state_path, request.site.name, request.recovery)
    journal = last_promoted(request.state_path, request.site.name)
    if journal is None:
        raise LifeboatError(
            f"Cannot find a recovery of {request.site.name} that was promoted on this host "
            f"(looked in {request.state_path}). Give its id with recovery=, on the host where it ran.",
            "recovery_unknown",
        )
    return journal


@contextmanager
def _lock(request: PromotionRequest, journal: Journal | None) -> Iterator[None]:
    if request.check_mode:
        yield
        return
    recovery = journal.recovery if journal else request.recovery or EXPIRY
    with SiteLock(request.state_path, request.site.name).hold(recovery) as taken_from:
        if taken_from is not None and journal is not None:
            journal.append("lock", "taken_over", previous=taken_from.owner)
        yield


@contextmanager
def _recorded(request: PromotionRequest, journal: Journal, action: str) -> Iterator[None]:
    facts: dict[str, Any] = {
        "module": MODULE_NAME,
        "action": action,
        "site": request.site.name,
        "recovery": journal.recovery,
    }
    with recorded(request.state_path, **facts) as record:
        try:
            yield
        finally:
            record["steps"] = finished_steps(journal, action)


def _result(
    request: PromotionRequest, journal: Journal | None, action: str, changed: bool, plan: dict[str, Any]
) -> dict[str, Any]:
    done = journal if changed and not request.check_mode else None
    downtime = {PROMOTE: "downtime_seconds", ROLL_BACK: "rollback_downtime_seconds"}.get(action)
    return {
        "changed": changed,
        "plan": plan,
        "database": "",
        "replaced_database": "",
        "downtime_seconds": done.fact(downtime) if done and downtime else None,
        "steps": finished_steps(done, action) if done else [],
        "drained": done.fact("drained") if done and action == PROMOTE else None,
    }


def _databases(intent: Intent | None, *, is_live: bool) -> dict[str, str]:
    if intent is None:
        return {}
    names = (intent.database, intent.replaced_database)
    return dict(zip(("database", "replaced_database"), names if is_live else names[::-1]))


def _kept_by_others(request: PromotionRequest, journal: Journal) -> list[dict[str, Any]]:
    others = [other for other in journals(request.state_path, request.site.name) if other.recovery != journal.recovery]
    kept = [(other.recovery, _kept(request.site, other)) for other in others]
    return [{"recovery": recovery, **what} for recovery, what in kept if what is not None]


def _kept(site: Site, journal: Journal) -> dict[str, Any] | None:
    kept = what_is_kept(site, journal)
    if kept is None:
        return None
    return {"database": kept.database, "files": kept.files, "until": kept.until}
