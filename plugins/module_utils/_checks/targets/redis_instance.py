"""A Redis server that the benches of this host use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from ..._queue.connection import redis_connection
from ..._system.errors import LifeboatError
from ..rates import Sample
from ..registry import UnmeasurableError
from .target import Surroundings, Target

Answer = TypeVar("Answer")


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
            with redis_connection(self.url) as connection:
                return question(connection)
        except LifeboatError as error:
            raise UnmeasurableError(error.message) from None

    @cached_property
    def info(self) -> dict[str, Any]:
        """What ``INFO`` says, as the client library reads it."""
        return dict(self.ask(lambda connection: connection.info("all")))

    def setting(self, name: str) -> str:
        """Return a setting of the server's configuration.

        Raises:
            UnmeasurableError: The server does not tell (``CONFIG`` is renamed or forbidden, as by hosters).
        """
        values = self.ask(lambda connection: connection.config_get(name))
        if name not in values:
            raise UnmeasurableError(f"the server does not tell its setting {name}")
        return str(values[name])

    def read_sample(self) -> Sample:
        """Read the server's counters."""
        info = self.ask(lambda connection: connection.info("all"))
        at_seconds = self.now_seconds
        counters = {name: float(value) for name, value in info.items() if isinstance(value, (int, float))}
        return Sample(at_seconds, at_seconds - counters.get("uptime_in_seconds", 0.0), counters)
