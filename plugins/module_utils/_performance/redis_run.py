"""One run that sets memory policy and persistence of a bench's Redis servers, or puts back what they were."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .._bench.configuration import read_configuration, redis_addresses, without_password
from .._bench.layout import Bench
from .._checks.subjects.host_memory import usable_memory
from .._checks.targets.host import HOST_NAME, Host
from .._checks.targets.redis_instance import CACHE, QUEUE
from .._checks.targets.target import Surroundings
from .._queue.connection import redis_connection
from .._recovery.record import recorded
from .._system.errors import LifeboatError
from .._system.files import make_private_folder, write_json_atomically
from .._system.replacing import replace_text
from .bench_state import bench_folder, bench_lock
from .redis_plan import SETTINGS, RedisChange, RedisState, is_setting, plan_redis, redis_line, with_settings

MODULE_NAME = "redis_settings"


@dataclass(frozen=True)
class RedisRequest:
    """Whose servers, which of their roles, and the limit of the cache in bytes, None for the usual one."""

    bench: Bench
    state_path: Path
    roles: tuple[str, ...]
    cache_bytes: int | None
    check_mode: bool

    @property
    def originals_path(self) -> Path:
        """Where the values that were there are remembered."""
        return bench_folder(self.state_path, self.bench) / "redis-settings.json"


@dataclass(frozen=True)
class _Server:
    """A Redis server as it is now; ``path`` is its configuration file, None where that is not of this host."""

    role: str
    url: str
    run_id: str
    state: RedisState
    path: Path | None


def run_redis(request: RedisRequest) -> dict[str, Any]:
    """Set what should be otherwise, live and in the configuration file; nothing is ever flushed.

    Raises:
        LifeboatError: ``redis_shared`` when cache and queue are one server, ``redis_unavailable``,
            ``library_missing``, ``site_locked``.
    """
    servers = _servers(request)
    return _apply(request, servers, _changes(request, servers), "present")


def planned_changes(request: RedisRequest) -> list[RedisChange]:
    """Return what should be set otherwise; raises as ``run_redis``."""
    return _changes(request, _servers(request))


def _changes(request: RedisRequest, servers: Sequence[_Server]) -> list[RedisChange]:
    if len({server.run_id for server in servers}) < len(servers):
        raise LifeboatError(
            f"Cannot set the Redis servers of {request.bench.path}: cache and queue are one server, and what is right "
            "for the one loses data of the other. Give the queue a server of its own, and set redis_queue in "
            "common_site_config.json.",
            "redis_shared",
        )
    return [
        change
        for server in servers
        if server.role in request.roles
        for change in plan_redis(server.role, server.state, request.cache_bytes)
    ]


def run_redis_restored(request: RedisRequest) -> dict[str, Any]:
    """Put back the values that were there before the first change; nothing happens where none are remembered.

    Raises:
        LifeboatError: As ``run_redis``.
    """
    servers = _servers(request)
    changes = [
        RedisChange(server.role, name, server.state.settings[name], value, "it was so before")
        for server in servers
        for name, value in _read_originals(request).get(server.role, {}).items()
        if server.state.settings.get(name) != value
    ]
    result = _apply(request, servers, changes, "restored")
    if not request.check_mode:
        request.originals_path.unlink(missing_ok=True)
    return result


def _servers(request: RedisRequest) -> list[_Server]:
    host = Host(HOST_NAME, Surroundings(), [request.bench])
    addresses = redis_addresses(read_configuration(request.bench.common_config_path))
    return [_server(role, url, host) for role, url in zip((CACHE, QUEUE), addresses)]


def _server(role: str, url: str, host: Host) -> _Server:
    with redis_connection(url) as connection:
        info = connection.info()
        settings = {name: str(connection.config_get(name).get(name, "")) for name in SETTINGS}
    path = Path(str(info.get("config_file") or "/"))
    # A server of another host may name a file that this one has as well: its process tells.
    is_here = any(process.pid == info["process_id"] for process in host.processes_of(["redis-server", "valkey-server"]))
    state = RedisState(settings, int(info["used_memory"]), usable_memory(host)[0])
    return _Server(role, url, str(info["run_id"]), state, path if is_here and path.is_file() else None)


def _apply(
    request: RedisRequest, servers: Sequence[_Server], changes: Sequence[RedisChange], action: str
) -> dict[str, Any]:
    changed = {server.role: server for server in servers if any(change.role == server.role for change in changes)}
    if changes and not request.check_mode:
        facts: dict[str, Any] = {"module": MODULE_NAME, "action": action, "bench": str(request.bench.path)}
        with bench_lock(request.state_path, request.bench).hold(MODULE_NAME), recorded(request.state_path, **facts):
            if action == "present":
                _remember(request, changes)
            for server in changed.values():
                _set(server, {change.name: change.after for change in changes if change.role == server.role})
    lines = [redis_line(change) for change in changes] or ["Cache and queue are set as they should be."]
    lines += [
        f"{server.role}: its configuration file is not on this host; its next start has the settings of before."
        for server in changed.values()
        if server.path is None
    ]
    return {
        "changed": bool(changes),
        "changes": [asdict(change) for change in changes],
        "lines": lines,
        "diff": {
            side: {f"{change.role} {change.name}": getattr(change, side) for change in changes}
            for side in ("before", "after")
        },
    }


def _set(server: _Server, settings: Mapping[str, str]) -> None:
    wrong = [name for name, value in settings.items() if not is_setting(name, value)]
    if wrong:
        raise LifeboatError(
            f"Refused to set {', '.join(wrong)} of {without_password(server.url)}: what is remembered is no value of "
            "it. Remove the file with the remembered values.",
            "configuration_refused",
        )
    if server.path is not None:
        # First the file: after a kill in between, the next run finds the server as it was, and sets it.
        replace_text(server.path.resolve(), with_settings(server.path.read_text(), settings))
    with redis_connection(server.url) as connection:
        for name, value in settings.items():
            connection.config_set(name, value)


def _remember(request: RedisRequest, changes: Sequence[RedisChange]) -> None:
    known = _read_originals(request)
    for change in changes:
        known.setdefault(change.role, {}).setdefault(change.name, change.before)
    make_private_folder(request.originals_path.parent)
    write_json_atomically(request.originals_path, known)


def _read_originals(request: RedisRequest) -> dict[str, dict[str, str]]:
    try:
        originals: dict[str, dict[str, str]] = json.loads(request.originals_path.read_bytes())
    except FileNotFoundError:
        return {}
    return originals
