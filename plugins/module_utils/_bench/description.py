"""A bench in plain values, as roles and people want to see it. No value of it is a secret."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .._system.errors import LifeboatError
from .apps import bench_apps
from .configuration import (
    DATABASE_OVERRIDES,
    Configuration,
    bench_id,
    database_address,
    is_on,
    read_configuration,
    redis_addresses,
    webserver_port,
    without_password,
)
from .layout import ROOT, Bench, Site
from .processes import environment_names
from .service import Service

OVERRIDE_PREFIX = "FRAPPE_DB_"


def describe_bench(
    bench: Bench, services: Iterable[Service], site_name: str | None = None, root: Path = ROOT
) -> dict[str, Any]:
    """Return what there is to know of a bench without asking a database.

    Args:
        bench: The bench.
        services: Its services, as ``find_services`` returned them.
        site_name: Describe only this site.
        root: The folder that stands for ``/``.
    """
    services = list(services)
    common, problem = _read(bench.common_config_path)
    cache_url, queue_url = redis_addresses(common)
    user_id, group_id = bench.owner
    overrides = {
        name
        for service in services
        if service.pid is not None
        for name in environment_names(service.pid, OVERRIDE_PREFIX, root / "proc")
    }
    return {
        "path": str(bench.path),
        "name": bench.name,
        "owner": _name_of(pwd.getpwuid, user_id),
        "group": _name_of(grp.getgrgid, group_id),
        "bench_id": bench_id(common, bench.path),
        "apps": bench_apps(bench),
        "configuration_valid": not problem,
        "problem": problem,
        "database_overrides": sorted(overrides.intersection(DATABASE_OVERRIDES)),
        "maintenance_mode": is_on(common, "maintenance_mode"),
        "scheduler_paused": is_on(common, "pause_scheduler"),
        "redis": {"cache": without_password(cache_url), "queue": without_password(queue_url)},
        "webserver_port": webserver_port(common),
        "services": [{**asdict(service), "queues": list(service.queues)} for service in services],
        "sites": [_describe_site(site, common) for site in bench.sites() if site_name in {None, site.name}],
    }


def _describe_site(site: Site, common: Configuration) -> dict[str, Any]:
    configuration, problem = _read(site.config_path)
    merged = {**common, **configuration}
    description: dict[str, Any] = {
        "name": site.name,
        "path": str(site.path),
        "backups_path": str(site.backups_path),
        "maintenance_mode": is_on(merged, "maintenance_mode"),
        "scheduler_paused": is_on(merged, "pause_scheduler"),
        "db_name": None,
        "db_user": None,
        "db_host": None,
        "db_port": None,
        "db_socket": None,
    }
    try:
        address = None if problem else database_address(configuration, common)
    except LifeboatError as error:
        address, problem = None, error.message
    if address is not None:
        description.update(
            db_name=address.db_name,
            db_user=address.db_user,
            db_host=address.host,
            db_port=address.port,
            db_socket=address.socket,
        )
    return {**description, "configuration_valid": not problem, "problem": problem}


def _read(path: Path) -> tuple[Configuration, str]:
    try:
        return read_configuration(path), ""
    except LifeboatError as error:
        return {}, error.message


def _name_of(look_up: Any, identifier: int) -> str:
    try:
        return str(look_up(identifier)[0])
    except KeyError:
        return str(identifier)
