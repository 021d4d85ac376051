"""Finding what there is to check on a host, from its benches and from the login that was given."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from ..._bench.configuration import redis_addresses, without_password
from ..._bench.layout import Bench, Site
from ..._mariadb.connection import DEFAULT_HOST, DEFAULT_PORT, LoginOptions, with_config_file
from ..._recovery.login import LOCAL_HOSTS, administrator_login, complete_login, usual_sockets
from ..registry import UnmeasurableError
from .bench import BenchTarget
from .database_server import DatabaseServer
from .host import HOST_NAME, Host
from .redis_instance import RedisInstance
from .site import SiteTarget
from .target import Surroundings, Target

# How the benches' configuration names its Redis servers, and what they are for.
REDIS_ROLES = (("redis_cache", "cache"), ("redis_queue", "queue"), ("redis_socketio", "socketio"))


def find_targets(benches: Iterable[Bench], login: LoginOptions, surroundings: Surroundings) -> list[Target]:
    """Return everything that checks look at on this host.

    Args:
        benches: The benches to check.
        login: How an administrator reaches the database server; what it leaves open comes from each bench.
        surroundings: The I/O of this run.
    """
    bench_targets = [BenchTarget(bench, surroundings) for bench in benches]
    sites = [SiteTarget(site, bench, surroundings) for bench in bench_targets for site in _readable_sites(bench.bench)]
    return [
        Host(HOST_NAME, surroundings, [bench.bench for bench in bench_targets]),
        *_database_servers(sites, login, surroundings),
        *_redis_instances(bench_targets, surroundings),
        *bench_targets,
        *sites,
    ]


def _readable_sites(bench: Bench) -> list[Site]:
    with suppress(OSError):  # whoever runs the checks says so
        return bench.sites()
    return []


def _database_servers(
    sites: Iterable[SiteTarget], login: LoginOptions, surroundings: Surroundings
) -> list[DatabaseServer]:
    found: dict[str, tuple[list[LoginOptions], dict[str, str]]] = {}
    for site in sites:
        try:
            site_login, database_name = site.login, site.address.db_name
        except UnmeasurableError:
            continue  # the checks of the site's configuration say so
        administrator = replace(
            administrator_login(login, site.bench.bench, site.name),
            connect_timeout=surroundings.patience.connect_seconds,
        )
        logins, site_names = found.setdefault(server_name(site_login), ([administrator], {}))
        logins.append(site_login)
        site_names[database_name] = site.name
    if not found:
        # The host of a database alone: the server that was named, or else its own.
        given = complete_login(with_config_file(login), {}, {}, usual_sockets(surroundings.root))
        if given != LoginOptions(config_file=login.config_file):
            given = replace(given, connect_timeout=surroundings.patience.connect_seconds)
            found[server_name(given)] = ([given], {})
    return [DatabaseServer(name, surroundings, logins, site_names) for name, (logins, site_names) in found.items()]


def server_name(login: LoginOptions) -> str:
    """Name a server the same way however its host is written."""
    if login.login_unix_socket:
        return login.login_unix_socket
    host = DEFAULT_HOST if login.login_host in LOCAL_HOSTS else login.login_host
    return f"{host}:{login.login_port or DEFAULT_PORT}"


def _redis_instances(benches: Iterable[BenchTarget], surroundings: Surroundings) -> list[RedisInstance]:
    roles: dict[str, list[str]] = {}
    for bench in benches:
        try:
            cache_url, queue_url = redis_addresses(bench.common)
            urls = {"redis_cache": cache_url, "redis_queue": queue_url, **_socketio(bench)}
        except UnmeasurableError:
            continue  # the checks of the bench's configuration say so
        for key, role in REDIS_ROLES:
            if key in urls:
                roles.setdefault(urls[key], []).append(role)
    return [RedisInstance(without_password(url), surroundings, url, sorted(set(named))) for url, named in roles.items()]


def _socketio(bench: BenchTarget) -> dict[str, str]:
    url = bench.setting("redis_socketio")
    return {"redis_socketio": str(url)} if url else {}
