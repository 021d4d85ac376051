"""The load of a server, in the numbers that its settings are worked out from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..._mariadb.memory_need import MemoryNeed

GIB = 1024**3
MIB = 1024**2
POOL_VARIABLE = "innodb_buffer_pool_size"
TEMPORARY_VARIABLES = ("tmp_table_size", "max_heap_table_size")


@dataclass(frozen=True)
class Workers:
    """Processes of one kind that the benches of this host have."""

    count: int = 0
    resident_bytes: float = 0.0

    @property
    def bytes(self) -> float:
        """What all of them take when each is as large as 95 of 100 are at most."""
        return self.count * self.resident_bytes


@dataclass(frozen=True)
class HostMemory:
    """The memory of the server's host, and who else uses it.

    Attributes:
        total_bytes: What is installed, or what the container may take.
        server_limit_bytes: What the control group of the server may take; None where it has no limit.
        web: Workers of gunicorn.
        queue: Workers of RQ.
        redis_bytes: What the Redis servers of this host may take.
        has_bench: Whether a bench runs here besides, with its scheduler and socketio.
        other_bytes: What programs hold that are none of a bench's and not the server.
        waiting_percent: How much of the last minute something waited for memory; None where it is not measured.
    """

    total_bytes: float
    server_limit_bytes: float | None = None
    web: Workers = Workers()
    queue: Workers = Workers()
    redis_bytes: float = 0.0
    has_bench: bool = False
    other_bytes: float = 0.0
    waiting_percent: float | None = None


@dataclass(frozen=True)
class Load:
    """What a server does, and what it has for that.

    Attributes:
        version: As the server writes it.
        variables: Its global variables by name, as they will be after the next restart.
        seen_seconds: The time that the counters stand for: since the start, or since the last change of settings.
        need: What its settings let it use.
        host: The memory of its host; None where the server runs elsewhere, or its host cannot be looked at.
        innodb_bytes: The tables that are in use.
        used_pool_bytes: Pages in the buffer pool.
        miss_percent: Reads that the pool could not answer; None where there were too few to judge.
        hour_bytes: What 95 of 100 hours write to the redo log at most.
        redo_files: How many files the redo log has.
        free_bytes: The room on the file system of the data; None where that is not known.
        peak_connections: The most at the same time.
        expected_connections: Those that the benches of this host may open.
        tables: All tables of InnoDB that the server knows.
        active_tables: Definitions that are open.
        sites: How many sites of this host use it.
        overflows: Tables that were closed because the cache was full.
        opened_per_second: Tables that were opened.
        open_files_limit: How many files the server may open.
        temporary_percent: Temporary tables that went to the disk; None where there were too few to judge.
        writes_binary_log: Whether ``log_bin`` is on.
    """

    version: str
    variables: Mapping[str, str]
    seen_seconds: float
    need: MemoryNeed
    host: HostMemory | None = None
    innodb_bytes: float = 0.0
    used_pool_bytes: float = 0.0
    miss_percent: float | None = None
    hour_bytes: float = 0.0
    redo_files: int = 1
    free_bytes: float | None = None
    peak_connections: int = 0
    expected_connections: int = 0
    tables: int = 0
    active_tables: int = 0
    sites: int = 0
    overflows: float = 0.0
    opened_per_second: float = 0.0
    open_files_limit: int = 0
    temporary_percent: float | None = None
    writes_binary_log: bool = False

    def number(self, variable: str) -> int:
        """Return a variable that is a whole number."""
        return int(float(self.variables[variable]))

    def with_value(self, variable: str, value: str) -> Load:
        """Return the same load on a server with another value of a variable: what is advised next must know of it."""
        after = replace(self, variables={**self.variables, variable: value})
        need = self.need
        if variable == POOL_VARIABLE:
            grown_bytes = float(value) - need.pool_bytes
            need = replace(need, pool_bytes=float(value), shared_bytes=need.shared_bytes + grown_bytes)
        elif variable in TEMPORARY_VARIABLES:
            grown_bytes = after.temporary_table_bytes - self.temporary_table_bytes
            need = replace(need, thread_bytes=need.thread_bytes + grown_bytes)
        return replace(after, need=need)

    @property
    def temporary_table_bytes(self) -> int:
        """How large a temporary table in memory may become: the smaller of its two limits counts."""
        return min(self.number(variable) for variable in TEMPORARY_VARIABLES)

    def has(self, variable: str) -> bool:
        """Tell whether this server has a variable."""
        return variable in self.variables


def rounded(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return numbers as people and JSON take them: whole where they are large, else with two digits."""
    return {name: _rounded(value) for name, value in numbers.items()}


def _rounded(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return round(value, 2) if abs(value) < 100 else round(value)  # noqa: PLR2004
