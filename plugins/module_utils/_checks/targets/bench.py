"""A bench as checks see it: its folder, its services and its queues."""

from __future__ import annotations

from collections.abc import Mapping
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
from ..._queue.state import BenchQueues, read_bench_queues
from ..._system.errors import LifeboatError
from ..rates import Sample
from ..registry import UnmeasurableError
from .read_once import read_once
from .redis_instance import CACHE, QUEUE, RedisInstance
from .target import Surroundings, Target


class BenchTarget(Target):
    """A bench; its sites are targets of their own."""

    def __init__(self, bench: Bench, surroundings: Surroundings) -> None:
        super().__init__(str(bench.path), surroundings)
        self.bench = bench

    @read_once
    def common(self) -> Configuration:
        """The configuration that all sites share.

        Raises:
            UnmeasurableError: It cannot be read.
        """
        try:
            return read_configuration(self.bench.common_config_path)
        except LifeboatError as error:
            raise UnmeasurableError(error.message) from None

    @read_once
    def services(self) -> list[Service]:
        """The bench's services, found by looking at the host."""
        return find_services(self.bench, self.surroundings.run, self.surroundings.root)

    @property
    def web_port(self) -> int:
        """The port of the bench's own web server."""
        return webserver_port(self.common)

    @property
    def cache_url(self) -> str:
        """The address of the cache's Redis; it may hold a password."""
        return redis_addresses(self.common)[0]

    @property
    def queue_url(self) -> str:
        """The address of the queue's Redis; it may hold a password."""
        return redis_addresses(self.common)[1]

    @read_once
    def redis_instances(self) -> tuple[RedisInstance, RedisInstance]:
        """The Redis servers of the cache and of the queue, which ought to be two."""
        addresses = ((self.cache_url, CACHE), (self.queue_url, QUEUE))
        first, second = (
            RedisInstance(without_password(url), self.surroundings, url, [role]) for url, role in addresses
        )
        return first, second

    @property
    def queue_prefix(self) -> str:
        """What the names of the bench's queues begin with, without the colon."""
        return bench_id(self.common, self.bench.path)

    @property
    def custom_queues(self) -> Mapping[str, Any]:
        """The settings of the bench's own queues, by name, besides the standard ones."""
        configured = self.setting("workers")
        return configured if isinstance(configured, dict) else {}

    @read_once
    def queues(self) -> BenchQueues:
        """The bench's queues, workers and registries as they are now.

        Raises:
            UnmeasurableError: Redis does not answer.
        """
        return self._read_queues()

    def read_sample(self) -> Sample:
        """Read how long each worker has worked on jobs."""
        at_seconds = self.now_seconds
        workers = self._read_queues().workers
        # Workers have names of their own, so one that was started anew is another counter, not one that was reset.
        return Sample(at_seconds, 0.0, {worker.name: worker.working_seconds for worker in workers})

    def _read_queues(self) -> BenchQueues:
        try:
            return read_bench_queues(
                self.queue_url,
                self.queue_prefix,
                self.custom_queues,
                self.now_seconds,
                self.surroundings.root / "proc",
                timeout_seconds=self.surroundings.patience.answer_seconds,
            )
        except LifeboatError as error:
            raise UnmeasurableError(error.message) from None

    def setting(self, name: str, default: Any = None) -> Any:
        """Return a setting of the bench's configuration."""
        return self.common.get(name, default)
