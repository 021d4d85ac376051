"""A Redis server that the benches of this host use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..._queue.connection import redis_connection
from ..._system.errors import LifeboatError
from ..rates import Sample
from ..registry import UnmeasurableError
from .read_once import read_once
from .target import Surroundings, Target

Answer = TypeVar("Answer")

CACHE = "cache"
QUEUE = "queue"
# The counters of which checks want the growth; the history on the host keeps no others.
COUNTERS = ("evicted_keys", "keyspace_hits", "keyspace_misses", "rejected_connections")


class RedisInstance(Target):
    """A Redis server and what the benches use it for.

    Args:
        name: What names it in findings; without account and password.
        surroundings: The I/O of this run.
        url: As Frappe writes it; it may hold a password.
        roles: ``cache``, ``queue``, ``socketio``: several where they share it.
    """

    def __init__(self, name: str, surroundings: Surroundings, url: str, roles: Sequence[str]) -> None:
        super().__init__(name, surroundings)
        self.url = url
        self.roles = tuple(roles)

    def ask(self, question: Callable[[Any], Answer]) -> Answer:
        """Return what a function of an open ``redis.Redis`` returns.

        Raises:
            UnmeasurableError: The server does not answer or refuses it.
        """
        try:
            with redis_connection(self.url, self.surroundings.patience.answer_seconds) as connection:
                return question(connection)
        except LifeboatError as error:
            raise UnmeasurableError(error.message) from None

    @read_once
    def info(self) -> dict[str, Any]:
        """What ``INFO`` says, as the client library reads it."""
        return dict(self.ask(lambda connection: connection.info()))

    @read_once
    def settings(self) -> dict[str, str]:
        """The server's configuration, passwords and all, so it is never shown as a whole.

        Raises:
            UnmeasurableError: The server does not tell (``CONFIG`` is renamed or forbidden, as by hosters).
        """
        return dict(self.ask(lambda connection: connection.config_get("*")))

    def setting(self, name: str) -> str:
        """Return a setting of the server's configuration.

        Raises:
            UnmeasurableError: The server does not tell.
        """
        values = self.settings
        if name not in values:
            raise UnmeasurableError(f"the server does not tell its setting {name}")
        return str(values[name])

    def number(self, name: str) -> float:
        """Return a number that ``INFO`` tells.

        Raises:
            UnmeasurableError: This server tells no such number.
        """
        value = self.info.get(name)
        if not isinstance(value, (int, float)):
            raise UnmeasurableError(f"the server does not tell {name}")
        return float(value)

    def read_sample(self) -> Sample:
        """Read the server's counters."""
        info = self.ask(lambda connection: connection.info())
        at_seconds = self.now_seconds
        counters = {name: float(info[name]) for name in COUNTERS if name in info}
        return Sample(at_seconds, at_seconds - float(info["uptime_in_seconds"]), counters)
