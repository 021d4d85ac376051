"""What a bench's cache and queue should do when memory is full, and what they should keep on disk. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .._checks.subjects.redis_memory import CACHE_POLICIES, NO_EVICTION
from .._checks.targets.redis_instance import CACHE
from .._system.quantities import bytes_text

# The settings that are looked at; nothing else of a server is ever set.
SETTINGS = ("maxmemory", "maxmemory-policy", "save", "appendonly")
# What bench gives a cache that it sets up: 5 % of the memory, and not less than 50 MB (bench, config/redis.py).
CACHE_SHARE = 0.05
LEAST_CACHE_BYTES = 50 * 1024**2
# Redis' own save points: after an hour with a change, 5 minutes with 100, a minute with 10,000.
SAVE_POINTS = "3600 1 300 100 60 10000"
_VALUES = {
    "maxmemory": re.compile(r"\d{1,15}"),
    "maxmemory-policy": re.compile(r"noeviction|(?:allkeys|volatile)-(?:lru|lfu|random)|volatile-ttl"),
    "save": re.compile(r"(?:\d+ \d+(?: |$))*"),
    "appendonly": re.compile(r"yes|no"),
}
_LINE = re.compile(r"^[ \t]*(?P<name>[a-z-]+)[ \t]+[^\n]*$")


@dataclass(frozen=True)
class RedisState:
    """What a server is set to, what it uses, and the memory of its host, in bytes."""

    settings: Mapping[str, str]
    used_bytes: int
    memory_bytes: int


@dataclass(frozen=True)
class RedisChange:
    """A setting of the server of a role: its name, its value now and the one it should have, and why."""

    role: str
    name: str
    before: str
    after: str
    reason: str


def plan_redis(role: str, state: RedisState, cache_bytes: int | None) -> list[RedisChange]:
    """Return what should be set otherwise.

    A cache gets a limit and throws away what was not used for longest; it keeps nothing on disk, as Frappe makes it
    anew. A queue throws nothing away and saves its jobs. A limit that a cache has stays, as does its policy where it
    is one for caches.

    Args:
        role: ``cache`` or ``queue``.
        state: What the server is set to.
        cache_bytes: The limit that a cache is to have; None for the present one, else 5 % of the memory.
    """
    wanted = _cache_settings(state, cache_bytes) if role == CACHE else _queue_settings(state)
    return [
        RedisChange(role, name, state.settings[name], value, reason)
        for name, (value, reason) in wanted.items()
        if name in state.settings and state.settings[name] != value
    ]


def is_setting(name: str, value: str) -> bool:
    """Tell whether a value is one that a setting of ``SETTINGS`` may have."""
    return name in _VALUES and _VALUES[name].fullmatch(value) is not None


def with_settings(text: str, settings: Mapping[str, str]) -> str:
    """Return a configuration file of Redis with other values: in the place of the first line of each, else at the end.

    Args:
        text: The file.
        settings: Names and values.
    """
    lines: list[str] = []
    placed: set[str] = set()
    for line in text.splitlines():
        found = _LINE.match(line)
        name = found["name"] if found else ""
        if name not in settings:
            lines.append(line)
        elif name not in placed:
            # The save points may stand in several lines; the rest of these go.
            placed.add(name)
            lines.append(_line(name, settings[name]))
    lines += [_line(name, value) for name, value in settings.items() if name not in placed]
    return "\n".join(lines) + "\n"


def redis_line(change: RedisChange) -> str:
    """Say a change for people."""
    return f"{change.role} {change.name}: from {_shown(change.before)} to {_shown(change.after)}, {change.reason}."


def _cache_settings(state: RedisState, cache_bytes: int | None) -> dict[str, tuple[str, str]]:
    present = int(state.settings.get("maxmemory", "0"))
    limit = cache_bytes or present or max(LEAST_CACHE_BYTES, int(CACHE_SHARE * state.memory_bytes), state.used_bytes)
    policy = state.settings.get("maxmemory-policy", "")
    return {
        "maxmemory": (str(limit), f"a cache without it grows until the host has no memory (it is {bytes_text(limit)})"),
        "maxmemory-policy": (
            policy if policy in CACHE_POLICIES else CACHE_POLICIES[0],
            "a cache that is full otherwise refuses writes",
        ),
        "save": ("", "Frappe makes the cache anew, so writing it to disk is for nothing"),
        "appendonly": ("no", "Frappe makes the cache anew, so writing it to disk is for nothing"),
    }


def _queue_settings(state: RedisState) -> dict[str, tuple[str, str]]:
    settings = {"maxmemory-policy": (NO_EVICTION, "a queue must never throw a job away")}
    if not state.settings.get("save") and state.settings.get("appendonly") != "yes":
        settings["save"] = (SAVE_POINTS, "jobs that wait are lost otherwise when it ends")
    return settings


def _line(name: str, value: str) -> str:
    return f"{name} {value or chr(34) * 2}"


def _shown(value: str) -> str:
    return value or "nothing"
