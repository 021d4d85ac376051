"""How much memory a host leaves to its database server. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .load import GIB, HostMemory

# health-checks.md has these in one formula; each is named for the numbers of an advice.
SYSTEM_LEAST_BYTES = 1 * GIB
SYSTEM_SHARE = 0.05
SOCKETIO_BYTES = 0.3 * GIB
PAGE_CACHE_SHARE = 0.10
FORMULA = (
    "memory - system (the larger of 1 GiB, 5 % and what other programs hold) - web workers x RSS p95 - queue workers x "
    "RSS p95 - Redis - socketio 0.3 GiB - page cache 10 %"
)


@dataclass(frozen=True)
class MemoryBudget:
    """What the host has, what is taken off, and what is left for the server."""

    host: HostMemory

    @property
    def system_bytes(self) -> float:
        """What the system and programs besides the bench's need."""
        return max(SYSTEM_LEAST_BYTES, SYSTEM_SHARE * self.host.total_bytes, self.host.other_bytes)

    @property
    def socketio_bytes(self) -> float:
        """What node takes, where a bench is here."""
        return SOCKETIO_BYTES if self.host.has_bench else 0.0

    @property
    def available_bytes(self) -> float:
        """What is left for the server: nothing, rather than less than nothing; and no more than its group may take."""
        host = self.host
        left = (
            host.total_bytes * (1 - PAGE_CACHE_SHARE)
            - self.system_bytes
            - host.web.bytes
            - host.queue.bytes
            - host.redis_bytes
            - self.socketio_bytes
        )
        limit = left if host.server_limit_bytes is None else min(left, host.server_limit_bytes)
        return max(0.0, limit)

    def numbers(self) -> dict[str, Any]:
        """Return what went into it."""
        host = self.host
        return {
            "memory_bytes": host.total_bytes,
            "server_limit_bytes": host.server_limit_bytes,
            "system_bytes": self.system_bytes,
            "web_workers": host.web.count,
            "web_worker_bytes": host.web.resident_bytes,
            "queue_workers": host.queue.count,
            "queue_worker_bytes": host.queue.resident_bytes,
            "redis_bytes": host.redis_bytes,
            "socketio_bytes": self.socketio_bytes,
            "page_cache_bytes": PAGE_CACHE_SHARE * host.total_bytes,
            "available_bytes": self.available_bytes,
        }
