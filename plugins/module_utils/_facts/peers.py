"""What is compared between hosts that should be alike: kernel, Redis, benches. No secret is among it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from .._bench.apps import bench_apps
from .._checks.targets.bench import BenchTarget
from .._checks.targets.host import Host
from .._checks.targets.redis_instance import RedisInstance

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
KERNEL_KNOBS = (
    *("vm/swappiness", "vm/overcommit_memory", "vm/dirty_ratio", "vm/dirty_background_ratio", "vm/max_map_count"),
    *("net/core/somaxconn", "net/ipv4/tcp_max_syn_backlog", "net/ipv4/ip_local_port_range", "fs/aio-max-nr"),
)
HUGE_PAGES = "/sys/kernel/mm/transparent_hugepage/enabled"
REDIS_SETTINGS = (
    *(
        "maxmemory",
        "maxmemory-policy",
        "save",
        "appendonly",
        "appendfsync",
        "protected-mode",
        "timeout",
        "tcp-keepalive",
    ),
    *("stop-writes-on-bgsave-error", "databases"),
)
# Of the bench's configuration, which holds secrets, these alone.
BENCH_SETTINGS = (
    *(
        "background_workers",
        "gunicorn_workers",
        "developer_mode",
        "live_reload",
        "serve_default_site",
        "dns_multitenant",
    ),
    *("server_script_enabled", "http_timeout", "max_file_size", "scheduler_tick_interval", "use_redis_auth"),
    *("allow_cors", "restart_supervisor_on_update", "restart_systemd_on_update", "rebase_on_pull", "monitor"),
)


def peer(kind: str, name: str, values: Mapping[str, Any], identity: str = "") -> dict[str, Any]:
    """Return a thing that is compared with others of its kind.

    Args:
        kind: What it is; only those of one kind are compared.
        name: Which of those of this host it is.
        values: Its settings.
        identity: What tells that two hosts speak of the same thing; empty where it is this host's own.
    """
    return {"kind": kind, "name": name, "identity": identity, "values": dict(values)}


def number_or_text(text: str) -> int | float | str:
    """Return a setting as a number where it is one."""
    if not _NUMBER.fullmatch(text):
        return " ".join(text.split())
    return float(text) if "." in text else int(text)


def kernel_values(host: Host) -> list[dict[str, Any]]:
    """Return the kernel's knobs that matter to MariaDB, Redis and nginx."""
    read = {knob.replace("/", "."): host.read_if_there(f"/proc/sys/{knob}") for knob in KERNEL_KNOBS}
    # The one in brackets is the one that holds.
    pages = re.search(r"\[(\w+)\]", host.read_if_there(HUGE_PAGES))
    if pages:
        read["transparent_hugepage"] = pages[1]
    return [peer("kernel", host.name, {name: number_or_text(value) for name, value in read.items() if value})]


def redis_values(redis: RedisInstance) -> list[dict[str, Any]]:
    """Return the settings of a Redis server, compared with those that serve the same purpose."""
    values = redis.ask(lambda connection: connection.config_get("*"))
    kept = {name: number_or_text(str(values[name])) for name in REDIS_SETTINGS if name in values}
    return [peer(f"Redis {' and '.join(redis.roles)}", redis.name, kept)]


def bench_values(bench: BenchTarget) -> list[dict[str, Any]]:
    """Return a bench's apps, how many services of each kind it has, and its settings that are no secrets."""
    apps = {f"version of {name}": version for name, version in bench_apps(bench.bench).items()}
    kinds = Counter(service.kind for service in bench.services)
    services = {f"{kind} services": count for kind, count in kinds.items()}
    settings = {name: _plain(bench.common[name]) for name in BENCH_SETTINGS if name in bench.common}
    return [peer("bench", bench.name, {**apps, **services, **settings})]


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float)) else str(value)
