"""How much memory a server may come to use, from its variables. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Callable

# The share of its buffers that a connection uses on average: hardly one sorts, joins and groups at the same time.
USED_SHARE_OF_THREAD = 0.3
_GLOBAL = (
    "innodb_buffer_pool_size",
    "innodb_log_buffer_size",
    "key_buffer_size",
    "aria_pagecache_buffer_size",
    "query_cache_size",
)
_PER_THREAD = (
    "sort_buffer_size",
    "read_buffer_size",
    "read_rnd_buffer_size",
    "join_buffer_size",
    "thread_stack",
    "binlog_cache_size",
)


@dataclass(frozen=True)
class MemoryNeed:
    """What a server's settings let it use.

    Attributes:
        pool_bytes: The buffer pool.
        shared_bytes: Everything that all connections share, the pool included.
        thread_bytes: What one connection may use at most.
        peak_threads: The most connections there were at the same time.
        most_threads: The most that are allowed.
    """

    pool_bytes: float
    shared_bytes: float
    thread_bytes: float
    peak_threads: float
    most_threads: float

    @property
    def likely_bytes(self) -> float:
        """What it uses when as many are connected as ever were."""
        return self.shared_bytes + self.thread_bytes * self.peak_threads * USED_SHARE_OF_THREAD

    @property
    def worst_bytes(self) -> float:
        """What it uses when all connections that are allowed use all their buffers."""
        return self.shared_bytes + self.thread_bytes * self.most_threads


def memory_need(
    variables: Mapping[str, str],
    number: Callable[[str], float],
    peak_threads: float,
    performance_schema_bytes: float,
) -> MemoryNeed:
    """Add up what a server's variables allow.

    Args:
        variables: The names of the variables that this server has; not every version has every buffer.
        number: Returns a variable that is a number.
        peak_threads: ``Max_used_connections``.
        performance_schema_bytes: What the performance schema has taken, 0 where it is off.
    """

    def total(names: tuple[str, ...]) -> float:
        return sum(number(name) for name in names if name in variables)

    temporary_table = min(number("tmp_table_size"), number("max_heap_table_size"))
    return MemoryNeed(
        pool_bytes=number("innodb_buffer_pool_size"),
        shared_bytes=total(_GLOBAL) + performance_schema_bytes,
        thread_bytes=total(_PER_THREAD) + temporary_table,
        peak_threads=peak_threads,
        most_threads=number("max_connections"),
    )
