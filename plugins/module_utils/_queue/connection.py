"""Connecting to Redis, with errors that never show the password of a URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from .._bench.configuration import without_password
from .._system.errors import LifeboatError

# A recovery does without: callers report what they could not do.
HAS_REDIS = find_spec("redis") is not None

# What the name of an error alone does not say to whoever has to mend it.
REMEDIES = {
    "AuthenticationError": "Correct the password in its URL",
    "AuthenticationWrongNumberOfArgsError": "Correct the password in its URL",
    "NoPermissionError": "Give the account of its URL the rights for it",
    "ReadOnlyError": "It is a replica: name the primary in its URL",
    "OutOfMemoryError": "It takes no writes: raise maxmemory, or find what fills it",
}

# Redis answers from memory: a server that takes longer than this is as good as down, and a promotion waits for it.
TIMEOUT_SECONDS = 2.0


@contextmanager
def redis_connection(url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[Any]:
    """Yield a ``redis.Redis`` that answers; replies are bytes.

    Its type is Any, as the library types each reply as one that may have to be awaited.

    Args:
        url: As Frappe writes it, with its password if it has one.
        timeout_seconds: For connecting, and for each reply.

    Raises:
        LifeboatError: ``redis_unavailable`` when the server does not answer, refuses the account or fails in between,
            ``library_missing`` when the Python library is not installed.
    """
    if not HAS_REDIS:
        raise LifeboatError(
            f"Cannot talk to Redis at {without_password(url)}: the Python library redis is not installed. "
            "Install it with the role lifeboat.frappe.prerequisites.",
            "library_missing",
            {"library": "redis"},
        )
    import redis  # noqa: PLC0415 (it takes as long as all else that a module imports, and most never come here)

    try:
        connection: Any = redis.Redis.from_url(
            url, socket_timeout=timeout_seconds, socket_connect_timeout=timeout_seconds
        )
        # Not PING, which Redis refuses as it does writes while it cannot save to disk.
        connection.echo("")
    except (redis.RedisError, ValueError) as error:
        raise _unavailable(url, error) from None
    try:
        yield connection
    except redis.RedisError as error:
        raise _unavailable(url, error) from None
    finally:
        connection.close()


def _unavailable(url: str, error: Exception) -> LifeboatError:
    # The class says enough (ConnectionError, AuthenticationError); the text of a ValueError quotes the URL.
    name = type(error).__name__
    remedy = REMEDIES.get(name, "Start it, or correct its address")
    return LifeboatError(
        f"Cannot use Redis at {without_password(url)}: {name}. {remedy}.",
        "redis_unavailable",
    )
