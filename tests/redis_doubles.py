"""Redis servers and benches that tell what a test wants, for the pure part of their checks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service import Service
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.findings import Finding
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.rates import Sample
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.redis_instance import (
    COUNTERS,
    RedisInstance,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.state import BenchQueues

NOW = 1_795_000_000.0
WINDOW_SECONDS = 10.0


class ToldRedis(RedisInstance):
    """A server that tells ``info`` and ``settings``, whose counters grew by ``growth`` in ten seconds.

    ``server`` stands for an open connection; without it none can be opened.
    """

    def __init__(
        self,
        info: Mapping[str, Any],
        settings: Mapping[str, str] | None = None,
        *,
        roles: tuple[str, ...] = ("queue",),
        growth: Mapping[str, float] | None = None,
        server: Any = None,
        root: Path = Path("/nowhere"),
    ) -> None:
        super().__init__("redis", Surroundings(root=root, now=lambda: NOW), "redis://127.0.0.1:1", roles)
        self.info = dict(info)
        self.settings = dict(settings or {})
        self._samples_left = [
            Sample(NOW - WINDOW_SECONDS, 0.0, dict.fromkeys(COUNTERS, 5.0)),
            Sample(NOW, 0.0, {name: 5.0 + (growth or {}).get(name, 0.0) for name in COUNTERS}),
        ]
        self._server = server

    def read_sample(self) -> Sample:
        return self._samples_left.pop(0)

    def ask(self, question: Any) -> Any:
        if self._server is None:
            raise UnmeasurableError("the server does not answer")
        return question(self._server)


class ToldBench(BenchTarget):
    """A bench whose queues, services and configuration are told; ``samples`` are what its workers worked."""

    def __init__(
        self,
        queues: BenchQueues,
        *,
        path: Path = Path("/nowhere"),
        common: Mapping[str, Any] | None = None,
        services: tuple[Service, ...] = (),
        samples: tuple[Sample, ...] = (),
        history: History | None = None,
    ) -> None:
        super().__init__(Bench(path), Surroundings(now=lambda: NOW, history=history or History()))
        self.queues = queues
        self.common = dict(common or {})
        self.services = list(services)
        self._samples_left = list(samples)

    def read_sample(self) -> Sample | None:
        return self._samples_left.pop(0) if self._samples_left else None


def severities(findings: list[Finding]) -> dict[str, str]:
    """The severity of each item."""
    return {finding.item: finding.severity for finding in findings}
