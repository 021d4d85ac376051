"""One run that puts a site into maintenance or out of it: under the lock, with a record."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from .._bench.configuration import read_configuration
from .._bench.layout import Bench, Site
from .._system.errors import LifeboatError
from .lock import SiteLock
from .maintenance import (
    MaintenancePlan,
    begin_maintenance,
    end_maintenance,
    forget_originals,
    plan_end_of_maintenance,
    plan_maintenance,
    read_originals,
)
from .record import recorded
from .surroundings import Surroundings, find_surroundings

if TYPE_CHECKING:
    from pymysql.connections import Connection

MODULE_NAME = "site_maintenance"
UNREACHABLE = "mariadb_unreachable"


@dataclass(frozen=True)
class MaintenanceRequest:
    """What was asked for; the options of ``site_maintenance``."""

    site: Site
    state_path: Path
    recovery: str
    drain_timeout_seconds: float
    check_mode: bool


def run_present(
    connect: Callable[[], Connection[Any]],
    request: MaintenanceRequest,
    look_around: Callable[[Bench], Surroundings] = find_surroundings,
) -> dict[str, Any]:
    """Put the site into maintenance.

    Args:
        connect: Opens an administrator's connection. Where the server cannot be reached there are no connections to
            end, and the site gets into maintenance all the same.
        request: What was asked for.
        look_around: Finds what is around the site.
    """
    with _lock(request):
        plan = plan_maintenance(
            read_configuration(request.site.config_path), read_originals(request.state_path, request.site.name)
        )
        done: dict[str, Any] = {"drained": None, "ended_connections": None}
        if plan.steps and not request.check_mode:
            with ExitStack() as stack:
                connection = _connection_or_none(connect)
                stack.enter_context(closing(connection) if connection else nullcontext())
                stack.enter_context(_recorded(request, "present"))
                done = begin_maintenance(
                    connection,
                    request.site,
                    request.state_path,
                    plan,
                    look_around(request.site.bench),
                    request.drain_timeout_seconds,
                )
        return _result(plan, done)


def run_absent(
    request: MaintenanceRequest, look_around: Callable[[Bench], Surroundings] = find_surroundings
) -> dict[str, Any]:
    """Put the original values of the site's switches back."""
    with _lock(request):
        plan = plan_end_of_maintenance(
            read_configuration(request.site.config_path), read_originals(request.state_path, request.site.name)
        )
        if plan.steps and not request.check_mode:
            with _recorded(request, "absent"):
                end_maintenance(request.site, plan, look_around(request.site.bench))
        if not request.check_mode:
            forget_originals(request.state_path, request.site.name)
        return _result(plan, {"drained": None, "ended_connections": None})


def _connection_or_none(connect: Callable[[], Connection[Any]]) -> Connection[Any] | None:
    try:
        return connect()
    except LifeboatError as error:
        if error.error_code != UNREACHABLE:
            raise
        return None


def _lock(request: MaintenanceRequest) -> AbstractContextManager[Any]:
    if request.check_mode:
        return nullcontext()
    return SiteLock(request.state_path, request.site.name).hold(request.recovery or MODULE_NAME)


def _recorded(request: MaintenanceRequest, state: str) -> AbstractContextManager[Any]:
    return recorded(request.state_path, module=MODULE_NAME, action=state, site=request.site.name)


def _result(plan: MaintenancePlan, done: dict[str, Any]) -> dict[str, Any]:
    return {"changed": bool(plan.steps), "plan": plan.as_dict(), **done}
