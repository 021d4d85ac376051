from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.memory_need import memory_need

GIB = 2**30
MIB = 2**20
VARIABLES = {
    "innodb_buffer_pool_size": 4 * GIB,
    "innodb_log_buffer_size": 16 * MIB,
    "key_buffer_size": 16 * MIB,
    "aria_pagecache_buffer_size": 96 * MIB,
    "sort_buffer_size": 2 * MIB,
    "read_buffer_size": MIB,
    "join_buffer_size": MIB,
    "tmp_table_size": 64 * MIB,
    "max_heap_table_size": 16 * MIB,
    "max_connections": 100,
}


def test_need_is_added_up() -> None:
    texts = {name: str(value) for name, value in VARIABLES.items()}
    need = memory_need(texts, lambda name: float(VARIABLES[name]), 50, 8 * MIB)
    assert need.shared_bytes == 4 * GIB + (16 + 16 + 96 + 8) * MIB
    assert need.thread_bytes == 20 * MIB
    assert need.likely_bytes == need.shared_bytes + 300 * MIB
    assert need.worst_bytes == need.shared_bytes + 2000 * MIB
