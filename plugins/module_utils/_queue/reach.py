"""Reaching a Redis server by stages: name, connection, account, data, answer, writes, role."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Callable
from urllib.parse import SplitResult, unquote, urlsplit

from .._system.errors import LifeboatError
from .connection import HAS_REDIS

if HAS_REDIS:
    import redis

# Three stages may each wait this long before the whole takes longer than a check may.
STAGE_SECONDS = 0.8
PINGS = 3
DEFAULT_HOST = "localhost"
DEFAULT_PORT = 6379
SCHEMES = ("redis", "rediss", "unix")
NO_ADDRESS = "it is no address of Redis: correct it in common_site_config.json"


@dataclass(frozen=True)
class Reach:
    """How far one comes: ``stage`` is the one that failed, empty where none did; ``reason`` says what to do."""

    stage: str
    reason: str
    ping_seconds: float | None = None


def reach(url: str, stage_seconds: float = STAGE_SECONDS, clock: Callable[[], float] = time.monotonic) -> Reach:
    """Try to reach a Redis server for writing.

    Args:
        url: As Frappe writes it, with its password if it has one.
        stage_seconds: For how long each stage may wait.
        clock: Monotonic seconds.

    Returns:
        The stage that failed, or the time of the fastest of a few PINGs: what the server needs, not this process.

    Raises:
        LifeboatError: ``library_missing``.
    """
    if not HAS_REDIS:
        raise LifeboatError(
            "Cannot talk to Redis: the Python library redis is not installed. "
            "Install it with the role lifeboat.frappe.prerequisites.",
            "library_missing",
            {"library": "redis"},
        )
    try:
        place = urlsplit(url)
        port = place.port or DEFAULT_PORT
    except ValueError:
        return Reach("address", NO_ADDRESS)
    if place.scheme not in SCHEMES:
        return Reach("address", NO_ADDRESS)
    return (
        _name_failure(place, port, stage_seconds)
        or _connect_failure(place, port, stage_seconds)
        or _use(url, stage_seconds, clock)
    )


def _name_failure(place: SplitResult, port: int, stage_seconds: float) -> Reach | None:
    if place.scheme == "unix":
        return None
    problems: list[str] = ["no answer from the name servers: check resolv.conf and the network"]

    def resolve() -> None:
        try:
            socket.getaddrinfo(place.hostname or DEFAULT_HOST, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            problems[0] = "its name is not known: correct the address in common_site_config.json, or the name server"
        else:
            problems.clear()

    # The resolver of the system has no timeout of its own that would be short enough.
    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(stage_seconds)
    return Reach("name", problems[0]) if problems else None


def _connect_failure(place: SplitResult, port: int, stage_seconds: float) -> Reach | None:
    try:
        if place.scheme == "unix":
            with closing(socket.socket(socket.AF_UNIX)) as client:
                client.settimeout(stage_seconds)
                client.connect(unquote(place.path))
        else:
            socket.create_connection((place.hostname or DEFAULT_HOST, port), stage_seconds).close()
    except (ConnectionRefusedError, FileNotFoundError):
        return Reach("connection", "nothing listens there: start it")
    except socket.timeout:  # another class than TimeoutError before Python 3.10
        return Reach("connection", "no answer: check the host, the network and the firewall")
    except OSError as error:
        return Reach("connection", f"{error.strerror or type(error).__name__}: check the network and the address")
    return None


def _use(url: str, stage_seconds: float, clock: Callable[[], float]) -> Reach:
    try:
        # Its type is Any, as the library types each reply as one that may have to be awaited.
        connection: Any = redis.Redis.from_url(url, socket_timeout=stage_seconds, socket_connect_timeout=stage_seconds)
    except ValueError:
        return Reach("address", NO_ADDRESS)
    with closing(connection):
        try:
            seconds = []
            for _number in range(PINGS + 1):  # the first one connects and logs in
                start = clock()
                connection.ping()
                seconds.append(clock() - start)
            role = connection.info("replication")["role"]
        except redis.RedisError as error:
            return _failure(error)
    if role != "master":
        return Reach("role", "it is a replica, which takes no writes: point the bench at its master, or promote it")
    return Reach("", "", min(seconds[1:]))


def _failure(error: redis.RedisError) -> Reach:
    # Loading is a kind of connection error to the library, so it is asked for first.
    if isinstance(error, redis.BusyLoadingError):
        return Reach("data", "it still loads its data: wait, or look into its log when it takes longer than before")
    if isinstance(error, (redis.AuthenticationError, redis.exceptions.NoPermissionError)):
        return Reach("account", "it refuses the account: correct the password in common_site_config.json, or its ACL")
    if isinstance(error, redis.TimeoutError):
        return Reach("answer", "it is connected but does not answer: it hangs or runs a slow command; restart it")
    if isinstance(error, redis.ConnectionError):
        return Reach("answer", "it ends the connection: it has too many clients, or protected mode keeps this host out")
    if str(error).startswith("MISCONF"):
        return Reach("writes", "it refuses them, as it could not save to disk: free disk space, then BGSAVE")
    return Reach("answer", f"it answers with an error ({type(error).__name__}): look into its log")
