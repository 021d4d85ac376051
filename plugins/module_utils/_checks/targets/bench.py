"""A bench as checks see it: its folder, its services and its queues."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from ..._bench.configuration import (
    Configuration,
    bench_id,
    read_configuration,
    redis_addresses,
    webserver_port,
    without_password,
)
from ..._bench.layout import Bench
from ..._bench.service import Service
from ..._bench.services import find_services
from ..._queue.jobs import Queue
from ..._system.errors import LifeboatError
from ..registry import UnmeasurableError
from .target import Surroundings, Target


class BenchTarget(Target):
    """A bench; its sites are targets of their own."""

    def __init__(self, bench: Bench, surroundings: Surroundings) -> None:
        super().__init__(str(bench.path), surroundings)
        self.bench = bench

    @cached_property
    def common(self) -> Configuration:
        """The configuration that all sites share.

        Raises:
            UnmeasurableError: It cannot be read.
        """
        try:
            return read_configuration(self.bench.common_config_path)
        except LifeboatError as error:
            raise UnmeasurableError(error.message) from None

    @cached_property
    def services(self) -> list[Service]:
        """The bench's services, found by looking at the host."""
        return find_services(self.bench, self.surroundings.run, self.surroundings.root)

    @property
    def web_port(self) -> int:
        """The port of the bench's own web server."""
        return webserver_port(self.common)

    @property
    def queue_url(self) -> str:
        """The address of the queue's Redis; it may hold a password."""
        return redis_addresses(self.common)[1]

    @property
    def queue_prefix(self) -> str:
        """What the names of the bench's queues begin with, without the colon."""
        return bench_id(self.common, self.bench.path)

    @property
    def queue(self) -> Queue:
        """The bench's queues, read only."""
        return Queue(self.queue_url, self.queue_prefix)

    @property
    def queue_name(self) -> str:
        """The queue's address, for people."""
        return without_password(self.queue_url)

    def setting(self, name: str, default: Any = None) -> Any:
        """Return a setting of the bench's configuration."""
        return self.common.get(name, default)
