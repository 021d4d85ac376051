"""One diagnosis of a site, from the first look to what was mended and the look after it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Callable

from .._bench.configuration import read_configuration, write_configuration
from .._bench.layout import Site
from .._bench.service import RUNNING
from .._bench.service_control import start_service
from .._checks.patience import PATIENT, Patience
from .._checks.targets.target import Surroundings
from .._mariadb.connection import LoginOptions
from .._queue.cache import LASTING_KEYS, count_site_keys, delete_site_keys
from .._recovery.lock import SiteLock
from .._recovery.record import read_records, recorded
from .._recovery.surroundings import find_surroundings
from .._system.commands import CommandRunner, run_command
from .._system.errors import LifeboatError
from .._system.quantities import HOUR_SECONDS, count_text
from .fixes import CLEAR_CACHE, KINDS, RESUME, START_SERVICE, Facts, Fix, FixPlan, plan_fixes
from .holder import holder_of
from .look import Look, look_at
from .ownership import Correction, correct_ownership
from .report_lines import report_lines

MODULE_NAME = "site_diagnosis"
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class DiagnosisRequest:
    """What was asked for; the options of ``site_diagnosis``.

    Attributes:
        site: The site.
        login: How an administrator reaches the database server.
        state_path: The folder of the collection's state.
        fix: Whether to mend what may be mended.
        fixes: The kinds of fixes that are wanted.
        skip: The ids of checks to leave out.
        forgotten_hours: For how long a switch must have been on to be taken for forgotten.
        settle_seconds: How long what was mended may take until the site is well.
        deadline_seconds: What one check may take: a host in trouble is slow.
        check_mode: Whether to change nothing.
    """

    site: Site
    login: LoginOptions
    state_path: Path
    fix: bool = False
    fixes: Sequence[str] = KINDS
    skip: Sequence[str] = ()
    forgotten_hours: float = 12
    settle_seconds: float = 20
    deadline_seconds: float = PATIENT.deadline_seconds
    check_mode: bool = False


@dataclass(frozen=True)
class Tools:
    """What changes things; a test gives its own."""

    run: CommandRunner = run_command
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


def run_diagnosis(
    request: DiagnosisRequest, surroundings: Surroundings | None = None, tools: Tools | None = None
) -> dict[str, Any]:
    """Look, mend what may be mended if that is wanted, and look again.

    Args:
        request: What was asked for.
        surroundings: The I/O of looking.
        tools: The I/O of mending.

    Returns:
        The result of the module.
    """
    patience = Patience(request.deadline_seconds)
    surroundings = replace(surroundings or Surroundings(), state_path=request.state_path, patience=patience)
    tools = tools or Tools()
    before = look_at(request.site, request.login, surroundings, tools.run, request.skip)
    plan = plan_fixes(before.diagnosis, before.findings, _facts(request, before, surroundings), request.fixes)
    fixed: list[Fix] = []
    after = before
    if request.fix and plan.fixes and not request.check_mode:
        fixed = _apply(request, plan, before, tools)
        after = _settled(request, surroundings, tools)
    return _result(request, plan, before, after, fixed)


def _facts(request: DiagnosisRequest, look: Look, surroundings: Surroundings) -> Facts:
    return Facts(
        services=look.services,
        own_switches=look.own_switches,
        held_by=holder_of(request.state_path, request.site.name),
        forgotten_seconds=request.forgotten_hours * HOUR_SECONDS,
        cached_keys=_cached_keys(look),
        cleared_before_seconds=_cleared_before_seconds(request, surroundings.now()),
        corrections=_corrections(request.site),
    )


def _cached_keys(look: Look) -> int | None:
    if not look.cache_url or not look.db_name:
        return None
    try:
        return count_site_keys(look.cache_url, look.db_name, LASTING_KEYS)
    except LifeboatError:
        return None


def _cleared_before_seconds(request: DiagnosisRequest, now_seconds: float) -> float | None:
    cleared = [
        datetime.fromisoformat(record["started_at"]).timestamp()
        for record in read_records(request.state_path)
        if record.get("module") == MODULE_NAME
        and record.get("site") == request.site.name
        and any(fix.get("fix") == CLEAR_CACHE for fix in record.get("fixes", ()))
    ]
    return now_seconds - cleared[-1] if cleared else None


def _corrections(site: Site) -> list[Correction]:
    try:
        return correct_ownership(site, apply=False)
    except OSError:
        return []  # the checks say what cannot be looked at


def _apply(request: DiagnosisRequest, plan: FixPlan, look: Look, tools: Tools) -> list[Fix]:
    fixed: list[Fix] = []
    with recorded(request.state_path, module=MODULE_NAME, action="fix", site=request.site.name) as record:
        record["fixes"] = []
        for fix in plan.fixes:
            try:
                ended = fix.ended(_apply_one(request, fix, look, tools))
            except (LifeboatError, OSError) as error:
                reason = error.message if isinstance(error, LifeboatError) else str(error.strerror)
                ended = fix.ended(f"{fix.before}, because it failed: {reason}")
            fixed.append(ended)
            record["fixes"].append(ended.as_dict())
    return fixed


def _apply_one(request: DiagnosisRequest, fix: Fix, look: Look, tools: Tools) -> str:
    """Apply a fix and return how it is now."""
    if fix.kind == START_SERVICE:
        (service,) = (service for service in look.services if service.name == fix.subject)
        start_service(service, request.site.bench, tools.run)
        return RUNNING
    if fix.kind == RESUME:
        with SiteLock(request.state_path, request.site.name).hold(MODULE_NAME):
            configuration = read_configuration(request.site.config_path)
            write_configuration(request.site.config_path, {**configuration, fix.subject: 0})
            # Frappe 16 caches the configuration for 60 seconds in each web process.
            find_surroundings(request.site.bench).reload_web(0)
        return fix.after
    if fix.kind == CLEAR_CACHE:
        count = delete_site_keys(look.cache_url, look.db_name, LASTING_KEYS)
        return f"0 keys, {count_text(count, 'key')} deleted"
    # All permissions are corrected with the first of them; what it finds then is what was planned, or less.
    correct_ownership(request.site, apply=True)
    return fix.after


def _settled(request: DiagnosisRequest, surroundings: Surroundings, tools: Tools) -> Look:
    deadline = tools.clock() + request.settle_seconds
    while True:
        look = look_at(request.site, request.login, surroundings, tools.run, request.skip)
        if look.diagnosis.is_healthy or tools.clock() >= deadline:
            return look
        tools.sleep(POLL_SECONDS)


def _result(
    request: DiagnosisRequest, plan: FixPlan, before: Look, after: Look, fixed: Sequence[Fix]
) -> dict[str, Any]:
    first = before.diagnosis.first
    steps = [fix.as_dict() for fix in plan.fixes]
    return {
        "changed": bool(request.fix and plan.fixes),
        "site": request.site.name,
        "bench": str(request.site.bench.path),
        **after.diagnosis.as_dict(),
        "found": first.as_dict() if first else {},
        "plan": {"steps": steps},
        "fixed": [fix.as_dict() for fix in fixed],
        "refused": list(plan.refused),
        "lines": report_lines(request.site.name, before.diagnosis, after.diagnosis, plan, fixed, fix=request.fix),
        "diff": {
            "before": "".join(f"{fix.subject}: {fix.before}\n" for fix in plan.fixes) if request.fix else "",
            "after": "".join(f"{fix.subject}: {fix.after}\n" for fix in fixed or plan.fixes) if request.fix else "",
        },
    }
