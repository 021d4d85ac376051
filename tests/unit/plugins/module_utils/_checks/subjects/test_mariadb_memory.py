"""Memory that a server may come to use, and what other programs leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings

from tests.server_doubles import ServerDouble, look

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
    "datadir": "/var/lib/mysql/",
    "pid_file": "/run/mysqld/mysqld.pid",
    "performance_schema": "OFF",
}


def write_process(root: Path, pid: int, command: str, anonymous_bytes: int) -> None:
    folder = root / "proc" / str(pid)
    folder.mkdir(parents=True)
    (folder / "cmdline").write_text(command.replace(" ", "\0") + "\0")
    (folder / "stat").write_text(f"{pid} (name) S 1 0 0")
    kib = anonymous_bytes // 1024
    (folder / "status").write_text(
        f"Name:\tx\nVmRSS:\t999999 kB\nRssAnon:\t{kib} kB\nRssFile:\t7 kB\nRssShmem:\t0 kB\n"
    )


def server(root: Path, memory_bytes: int = 8 * GIB, **changes: Any) -> ServerDouble:
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc" / "meminfo").write_text(f"MemTotal: {memory_bytes // 1024} kB\nHugePages_Total: 0\n")
    variables = {**VARIABLES, **changes.pop("variables", {})}
    return ServerDouble(
        variables=variables, counters={"Max_used_connections": 50}, surroundings=Surroundings(root=root), **changes
    )


def write_pid_file(root: Path, content: str) -> None:
    path = root / "run" / "mysqld" / "mysqld.pid"
    path.parent.mkdir(parents=True)
    path.write_text(content)


def test_others_memory_is_taken_off_and_the_servers_own_is_not(tmp_path: Path) -> None:
    write_pid_file(tmp_path, "10\n")
    write_process(tmp_path, 10, "/usr/sbin/mariadbd", 5 * GIB)
    write_process(tmp_path, 20, "gunicorn -w 4", GIB)
    write_process(tmp_path, 30, "/usr/sbin/mariadbd --port=3307", GIB)

    finding = look("D11", server(tmp_path))[""]

    assert finding.severity == "ok"
    assert finding.text == "MariaDB may come to use 4.4 GiB, 74 % of the 6.0 GiB that other programs leave"
    assert finding.evidence[0] == "innodb_buffer_pool_size is 4.0 GiB; up to 4.7 GiB fits"
    assert finding.evidence[3] in {
        "of 8.0 GiB, others use: web 1.0 GiB, other 1.0 GiB",
        "of 8.0 GiB, others use: other 1.0 GiB, web 1.0 GiB",
    }


def test_every_database_server_is_left_out_where_its_process_is_not_known(tmp_path: Path) -> None:
    write_process(tmp_path, 10, "/usr/sbin/mariadbd", 5 * GIB)
    write_process(tmp_path, 20, "gunicorn -w 4", 3 * GIB)

    finding = look("D11", server(tmp_path))[""]

    assert (finding.severity, round(finding.value or 0)) == ("warning", 88)


def test_performance_schema_is_counted(tmp_path: Path) -> None:
    rows = [("performance_schema", "events.size", "9"), ("performance_schema", "performance_schema.memory", str(GIB))]
    on = {"performance_schema": "ON"}

    counted = look("D11", server(tmp_path, variables=on, answers={"SHOW ENGINE": rows}))[""]
    refused = look("D11", server(tmp_path, variables=on, answers={"SHOW ENGINE": "refused"}))[""]

    assert counted.text.startswith("MariaDB may come to use 5.4 GiB, ")
    assert refused.text.startswith("MariaDB may come to use 4.4 GiB, ")


def test_host_without_room_is_unknown(tmp_path: Path) -> None:
    write_process(tmp_path, 20, "gunicorn", 9 * GIB)

    assert look("D11", server(tmp_path))[""].severity == "unknown"


def test_server_elsewhere_is_unknown(tmp_path: Path) -> None:
    finding = look("D11", server(tmp_path, host="db.example.com"))[""]

    assert (finding.severity, finding.text) == ("unknown", "the server runs on another host: run the checks there")
