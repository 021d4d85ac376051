"""Redis servers: whether they are reached, how fast they answer, and whether they have room for clients."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ..._queue.reach import reach
from ..._system.errors import LifeboatError
from ..._system.quantities import count_text, duration_text
from ..findings import CRITICAL, WARNING
from ..registry import Measurement, Remediation, UnmeasurableError, check
from ..targets.redis_instance import RedisInstance

# So many stages may each wait before the whole takes longer than a check may.
STAGES = 3
PINGS = 20
PING_INTERVAL_SECONDS = 0.01
# A fork stops all clients; more than this is felt by everybody (Redis' guide to latency, section "fork").
SLOW_FORK_SECONDS = 0.5
SLOW_COMMAND_SECONDS = 0.1
SLOW_LOG_ENTRIES = 128
RECENT_SECONDS = 3600


@check(
    "R01",
    "redis.reachable",
    title="Redis answers",
    subject="redis",
    target=RedisInstance,
    measures="the time of the fastest of three PINGs, or the stage that failed, from its name to its role",
    source="a connection as the bench makes it",
    unit="seconds",
    warning="0.01",
    impact="critical",
    remediation=Remediation("Do what the text says of the stage that failed; then restart what lost its connection."),
    reference="awesome-prometheus-alerts RedisDown; 10 ms: Redis' guide to latency",
)
def reachable(target: RedisInstance) -> Iterator[Measurement]:
    """Come as far as the bench has to."""
    try:
        reached = reach(target.url, target.surroundings.patience.wait_seconds / STAGES)
    except LifeboatError as error:
        raise UnmeasurableError(error.message) from None
    if reached.ping_seconds is None:
        yield Measurement(None, text=f"failed at the stage {reached.stage}: {reached.reason}", severity=CRITICAL)
    else:
        yield Measurement(reached.ping_seconds, text=f"it answers a PING in {_milliseconds(reached.ping_seconds)}")


@check(
    "R08",
    "redis.clients",
    title="Room for clients of Redis",
    subject="redis",
    target=RedisInstance,
    measures="connected clients in percent of maxclients, and connections that were refused",
    source="INFO clients and stats",
    unit="percent",
    warning="80",
    critical="90",
    impact="medium",
    remediation=Remediation(
        "Find who keeps connections (CLIENT LIST), or raise maxclients and the limit of open files."
    ),
    reference="awesome-prometheus-alerts RedisTooManyConnections, RedisRejectedConnections",
    is_sampled=True,
)
def clients(target: RedisInstance) -> Iterator[Measurement]:
    """Compare with the limit, and look for refusals."""
    connected = target.number("connected_clients")
    # INFO tells the limit since Redis 7.
    limit = target.info.get("maxclients") or target.setting("maxclients")
    yield Measurement(
        100 * connected / float(limit),
        text=f"{connected:.0f} of at most {count_text(int(limit), 'client')} are connected",
    )
    refused = target.rates.increase("rejected_connections")
    yield Measurement(
        refused,
        item="refused",
        text=f"{count_text(int(refused), 'connection')} refused in {duration_text(target.rates.seconds)}",
        severity=CRITICAL if refused else "ok",
    )


@check(
    "R10",
    "redis.latency",
    title="Redis answers without delay",
    subject="redis",
    target=RedisInstance,
    measures="the second slowest of 20 PINGs, the last fork, and commands of the last hour that took over 0.1 seconds",
    source="PING, INFO stats, SLOWLOG GET",
    unit="seconds",
    warning="0.01",
    critical="0.1",
    impact="medium",
    remediation=Remediation(
        "Switch transparent huge pages off, look for big keys (redis-cli --bigkeys) and for KEYS in own code, and give "
        "the host more memory when forks are slow."
    ),
    reference="Redis' guide to latency",
)
def latency(target: RedisInstance) -> Iterator[Measurement]:
    """Ask often, and look at what Redis itself remembers."""
    slowest = target.ask(_second_slowest_ping)
    yield Measurement(slowest, item="ping", text=f"{PINGS} PINGs took up to {_milliseconds(slowest)}, but for one")
    fork = target.number("latest_fork_usec") / 1e6
    yield Measurement(
        fork,
        item="fork",
        text=f"the last fork stopped all clients for {duration_text(fork)}",
        severity=WARNING if fork > SLOW_FORK_SECONDS else "ok",
    )
    entries = target.ask(lambda connection: connection.slowlog_get(SLOW_LOG_ENTRIES))
    since = target.now_seconds - RECENT_SECONDS
    slow = sorted(
        (entry["duration"] / 1e6, _command_name(entry["command"]))
        for entry in entries
        if entry["start_time"] > since and entry["duration"] / 1e6 > SLOW_COMMAND_SECONDS
    )
    yield Measurement(
        slow[-1][0] if slow else 0.0,
        item="commands",
        text=f"{count_text(len(slow), 'command')} of the last hour took longer than {SLOW_COMMAND_SECONDS:g} s",
        evidence=tuple(f"{name}: {duration_text(seconds)}" for seconds, name in reversed(slow[-5:])),
        severity=WARNING if slow else "ok",
    )


def _second_slowest_ping(connection: Any) -> float:
    seconds = []
    for _number in range(PINGS):
        start = time.monotonic()
        connection.ping()
        seconds.append(time.monotonic() - start)
        time.sleep(PING_INTERVAL_SECONDS)
    # One delay may be this process's own, which shares its cores with all other checks.
    return sorted(seconds)[-2]


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _command_name(command: bytes) -> str:
    # What follows is keys and values.
    return command.split(b" ", 1)[0].decode(errors="replace")[:20]
