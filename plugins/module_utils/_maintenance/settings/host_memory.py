"""The memory of a server's host, and what the benches on it take of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..._bench.processes import Process
from ..._bench.service import service_kind
from ..._checks.registry import UnmeasurableError
from ..._checks.subjects.host_memory import container_limit
from ..._checks.subjects.host_pressure import pressure_percent
from ..._checks.subjects.mariadb_memory import memory_of_others
from ..._checks.targets.bench import BenchTarget
from ..._checks.targets.host import Host, amounts_of_memory
from ..._checks.targets.redis_instance import CACHE, RedisInstance
from ..._mariadb.digest.summary import percentile
from ..._recovery.login import LOCAL_HOSTS
from .load import HostMemory, Workers

# Frappe's bench gives the cache so much of the memory where nobody said otherwise.
CACHE_SHARE = 0.05
WEB = "web"
QUEUE = "worker"
CONNECTIONS_OF_A_QUEUE_WORKER = 2
_THREADS = "--threads"


@dataclass(frozen=True)
class BenchesOfHost:
    """The benches of a host, with what runs for them.

    Attributes:
        host: The host.
        benches: Its benches.
        redis: Their Redis servers.
    """

    host: Host
    benches: tuple[BenchTarget, ...] = ()
    redis: tuple[RedisInstance, ...] = ()

    @property
    def web(self) -> Workers:
        """The workers of gunicorn: those that run, or as many as are configured where those are more."""
        running = workers_of(self.host, WEB)
        return Workers(max(running.count, sum(map(_configured_workers, self.benches))), running.resident_bytes)

    @property
    def queue(self) -> Workers:
        """The workers of RQ."""
        return workers_of(self.host, QUEUE)

    @property
    def connections(self) -> int:
        """How many connections all of them may open.

        Each thread of a web worker has one, each worker of RQ two (its own, and that of its job), each scheduler one.
        """
        threads = max((_threads(process.arguments) for process in self.host.processes), default=1)
        return self.web.count * threads + self.queue.count * CONNECTIONS_OF_A_QUEUE_WORKER + len(self.benches)


def measure_host(found: BenchesOfHost, process: Process) -> HostMemory:
    """Measure the memory of a server's host.

    Args:
        found: The host and its benches.
        process: The server's process.
    """
    host = found.host
    total = float(host.memory["MemTotal"])
    limit = container_limit(host)
    return HostMemory(
        total_bytes=min(total, limit[0]) if limit else total,
        server_limit_bytes=_server_limit(host, process),
        web=found.web,
        queue=found.queue,
        redis_bytes=sum(_redis_bytes(instance, total) for instance in found.redis),
        has_bench=bool(found.benches),
        other_bytes=float(memory_of_others(host, {process.pid})["other"]),
        waiting_percent=pressure_percent(host, "memory"),
    )


def workers_of(host: Host, kind: str) -> Workers:
    """Return the workers of a kind: children of gunicorn's masters; of RQ, what is no child of another for one job."""
    processes = [process for process in host.processes if service_kind(process.arguments) == kind]
    pids = {process.pid for process in processes}
    children = [process for process in processes if process.parent_pid in pids]
    is_parent_one = kind == QUEUE or not children
    count = len(processes) - len(children) if is_parent_one else len(children)
    sizes = [_resident_bytes(host, process) for process in processes]
    return Workers(count, percentile(sizes) if sizes else 0.0)


def _resident_bytes(host: Host, process: Process) -> float:
    return float(amounts_of_memory(host.read_if_there(f"/proc/{process.pid}/status")).get("VmRSS", 0))


def _configured_workers(bench: BenchTarget) -> int:
    with suppress(UnmeasurableError, TypeError, ValueError):
        return int(bench.setting("gunicorn_workers", 0))
    return 0


def _threads(arguments: Sequence[str]) -> int:
    """Return how many threads gunicorn was told to start in each worker."""
    words = [word for argument in arguments for word in argument.split()]
    for word, next_word in zip(words, [*words[1:], ""]):
        option, _equals, value = word.partition("=")
        if option == _THREADS and (value or next_word).isdigit() and service_kind(arguments) == WEB:
            return int(value or next_word)
    return 1


def _server_limit(host: Host, process: Process) -> float | None:
    """Return what the control group of the server may take (MemoryMax of its service)."""
    _hierarchy, _colon, group = host.read_if_there(f"/proc/{process.pid}/cgroup").rpartition("0::")
    text = host.read_if_there(f"/sys/fs/cgroup{group}/memory.max") if group.strip("/") else ""
    return float(text) if text.isdigit() else None


def _redis_bytes(instance: RedisInstance, total_bytes: float) -> float:
    """Return what a Redis server of this host may take: its limit, or what it has come to take without one."""
    if (urlsplit(instance.url).hostname or "localhost") not in LOCAL_HOSTS:
        return 0.0
    with suppress(UnmeasurableError):
        return max(instance.number("maxmemory"), instance.number("used_memory_peak"))
    return CACHE_SHARE * total_bytes if CACHE in instance.roles else 0.0
