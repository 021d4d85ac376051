"""Loads of made-up servers, from which settings are worked out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.load import (
    GIB,
    MIB,
    HostMemory,
    Load,
    Workers,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.memory_need import MemoryNeed

DAY_SECONDS = 86400.0
# As MariaDB 10.11 has them without any file of options.
VARIABLES = {
    "version": "10.11.19-MariaDB",
    "innodb_buffer_pool_size": str(128 * MIB),
    "innodb_buffer_pool_size_max": str(8192 * GIB),
    "innodb_log_file_size": str(96 * MIB),
    "max_connections": "151",
    "table_open_cache": "2000",
    "table_definition_cache": "400",
    "tmp_table_size": str(16 * MIB),
    "max_heap_table_size": str(16 * MIB),
    "innodb_flush_log_at_trx_commit": "1",
    "sync_binlog": "0",
    "innodb_doublewrite": "ON",
    "extra_port": "0",
}
# A host of 16 GiB with a bench of 8 web workers and 6 workers of the queue.
BENCH_HOST = HostMemory(
    total_bytes=16 * GIB,
    web=Workers(8, 200 * MIB),
    queue=Workers(6, 150 * MIB),
    redis_bytes=GIB,
    has_bench=True,
    waiting_percent=0.0,
)


def make_load(variables: dict[str, str] | None = None, host: dict[str, Any] | None = None, **changes: Any) -> Load:
    """Return the load of a server that has done its work for ten days without a sign of want.

    Args:
        variables: Variables that are others than ``VARIABLES``.
        host: What is different of the host.
        changes: Other fields.
    """
    known = {**VARIABLES, **(variables or {})}
    pool = float(known["innodb_buffer_pool_size"])
    load = Load(
        version=known["version"],
        variables=known,
        seen_seconds=10 * DAY_SECONDS,
        need=MemoryNeed(pool, pool + 160 * MIB, 19 * MIB, 40, 151),
        host=replace(BENCH_HOST, **(host or {})),
        innodb_bytes=6 * GIB,
        used_pool_bytes=120 * MIB,
        miss_percent=0.1,
        hour_bytes=10 * MIB,
        free_bytes=100 * GIB,
        peak_connections=40,
        expected_connections=21,
        tables=380,
        active_tables=300,
        sites=1,
        opened_per_second=0.2,
        open_files_limit=32000,
        temporary_percent=3.0,
    )
    return replace(load, **changes)
