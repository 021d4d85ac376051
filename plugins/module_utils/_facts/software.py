"""Which programs run on a host, in which version, and until when their makers mend it."""

from __future__ import annotations

import platform
from typing import Any

from .._bench.apps import bench_apps
from .._checks.lifecycle import end_of_life, release_cycle
from .._checks.targets.bench import BenchTarget
from .._checks.targets.host import Host
from .._checks.targets.redis_instance import RedisInstance

KIB = 1024


def program(kind: str, name: str, version: str, product: str) -> dict[str, str]:
    """Return a program with the end of its life; empty where the tables do not know it.

    Args:
        kind: ``os``, ``python``, ``database``, ``redis`` or ``app``.
        name: What people call it.
        version: As it says itself.
        product: What the tables of the lifecycle call it.
    """
    last_day = end_of_life(product, version)
    return {
        "kind": kind,
        "name": name,
        "version": version,
        "series": release_cycle(product, version),
        "end_of_life": last_day.isoformat() if last_day else "",
    }


def system_facts(host: Host) -> dict[str, Any]:
    """Return what the host is: operating system, kernel, cores, memory."""
    release = os_release(host)
    memory_kib = [line.split()[1] for line in host.read("/proc/meminfo").splitlines() if line.startswith("MemTotal:")]
    processors = [line for line in host.read("/proc/cpuinfo").splitlines() if line.startswith("processor")]
    return {
        "os": release.get("PRETTY_NAME", "unknown"),
        "kernel": host.read_if_there("/proc/sys/kernel/osrelease"),
        "cores": len(processors),
        "memory_bytes": int(memory_kib[0]) * KIB if memory_kib else None,
    }


def host_software(host: Host) -> list[dict[str, str]]:
    """Return the operating system and the Python that this runs under."""
    release = os_release(host)
    found = [program("python", "Python", platform.python_version(), "python")]
    if release.get("VERSION_ID"):
        name, product = release.get("NAME", release.get("ID", "")), release.get("ID", "")
        found.append(program("os", name, release["VERSION_ID"], product))
    return found


def os_release(host: Host) -> dict[str, str]:
    """Return what os-release(5) says."""
    lines = host.read_if_there("/etc/os-release").splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, _equals, value in pairs}


def redis_software(redis: RedisInstance) -> list[dict[str, str]]:
    """Return the server's version; Valkey says its own besides the one of Redis that it speaks for."""
    valkey = redis.info.get("valkey_version")
    if valkey:
        return [program("redis", "Valkey", str(valkey), "valkey")]
    return [program("redis", "Redis", str(redis.info.get("redis_version", "")), "redis")]


def bench_software(bench: BenchTarget) -> list[dict[str, str]]:
    """Return the apps of a bench."""
    return [program("app", name, version, name) for name, version in bench_apps(bench.bench).items()]
