"""Putting a site into maintenance and back, with the exact values that its switches had. Other sites go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._bench.configuration import Configuration, database_address, is_on, read_configuration, write_configuration
from .._bench.layout import Site
from .._mariadb.accounts import end_connections_to
from .._mariadb.connection import server_errors
from .._system.files import fsync_folder, make_private_folder, write_json_atomically
from .journal import state_folder
from .site_values import MAINTENANCE_MODE, PAUSE_SCHEDULER, switch_values, turned_on, with_switches
from .surroundings import Surroundings, common_configuration, drain

if TYPE_CHECKING:
    from pymysql.connections import Connection

ORIGINALS_NAME = "maintenance.json"


@dataclass(frozen=True)
class MaintenancePlan:
    """What changes of a site's switches: their values before and after, and the steps that do it."""

    configuration: Configuration = field(repr=False)
    after: Configuration = field(repr=False)
    steps: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return what a person is shown of it, as JSON values."""
        return {
            "steps": list(self.steps),
            "before": switch_values(self.configuration),
            "after": switch_values(self.after),
        }


def originals_path(state_path: Path, site: str) -> Path:
    """Return where the values that the switches had are kept while a site is in maintenance."""
    return state_folder(state_path, site) / ORIGINALS_NAME


def plan_maintenance(configuration: Configuration, originals: Mapping[str, Any] | None) -> MaintenancePlan:
    """Work out how a site gets into maintenance.

    Args:
        configuration: The site's configuration.
        originals: What ``originals_path`` holds; None when there is no such file.
    """
    after = turned_on(configuration, MAINTENANCE_MODE, PAUSE_SCHEDULER)
    unfinished = originals is not None and not originals["complete"]
    if after == configuration and not unfinished:
        return MaintenancePlan(configuration, configuration, ())
    return MaintenancePlan(
        configuration, after, ("pause_scheduler", "drain", "maintenance_mode", "reload", "end_connections")
    )


def plan_end_of_maintenance(configuration: Configuration, originals: Mapping[str, Any] | None) -> MaintenancePlan:
    """Work out how a site gets out of maintenance: with its original values, else with maintenance mode off."""
    if originals is not None:
        after = with_switches(configuration, originals["switches"])
    elif is_on(configuration, MAINTENANCE_MODE):
        after = {**configuration, MAINTENANCE_MODE: 0}
    else:
        after = configuration
    return MaintenancePlan(configuration, after, () if after == configuration else ("original_values", "reload"))


def read_originals(state_path: Path, site: str) -> dict[str, Any] | None:
    """Return the values that the switches had (``switches``), and whether the way into maintenance is ``complete``."""
    path = originals_path(state_path, site)
    if not path.exists():
        return None
    originals: dict[str, Any] = json.loads(path.read_bytes())
    return originals


def begin_maintenance(
    connection: Connection[Any] | None,
    site: Site,
    state_path: Path,
    plan: MaintenancePlan,
    surroundings: Surroundings,
    drain_timeout_seconds: float,
) -> dict[str, Any]:
    """Pause the scheduler, let running jobs end, close the site, end the connections to its database.

    Args:
        connection: An administrator's connection; None where the server cannot be reached.
        site: The site.
        state_path: The folder of the collection's state.
        plan: The plan, which is not empty.
        surroundings: What is around the site.
        drain_timeout_seconds: How long running jobs of the site may take to end.

    Returns:
        ``drained`` and ``ended_connections`` (None where there was no connection).
    """
    path = originals_path(state_path, site.name)
    originals = read_originals(state_path, site.name)
    if originals is None:
        make_private_folder(path.parent)
        originals = {"switches": switch_values(plan.configuration), "complete": False}
        write_json_atomically(path, originals)
    write_configuration(site.config_path, turned_on(plan.configuration, PAUSE_SCHEDULER))
    drained = drain(lambda: surroundings.running_jobs(site.name), drain_timeout_seconds)
    configuration = turned_on(read_configuration(site.config_path), MAINTENANCE_MODE, PAUSE_SCHEDULER)
    write_configuration(site.config_path, configuration)
    # Frappe 16 caches the configuration for 60 seconds in each web process.
    surroundings.reload_web(0)
    ended = None if connection is None else _end_connections(connection, site, configuration)
    write_json_atomically(path, {**originals, "complete": True})
    return {"drained": drained, "ended_connections": ended}


def end_maintenance(site: Site, plan: MaintenancePlan, surroundings: Surroundings) -> None:
    """Open the site again, with the values that the plan has."""
    write_configuration(site.config_path, plan.after)
    surroundings.reload_web(0)


def forget_originals(state_path: Path, site: str) -> None:
    """Forget the original values, once they are back."""
    path = originals_path(state_path, site)
    if path.exists():
        path.unlink()
        fsync_folder(path.parent)


def _end_connections(connection: Connection[Any], site: Site, configuration: Configuration) -> int:
    address = database_address(configuration, common_configuration(site.bench))
    with server_errors(f"end the connections of {site.name}"):
        return end_connections_to(connection, address.db_name, address.db_user)
