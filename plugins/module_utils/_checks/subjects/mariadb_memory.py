"""The check of whether the host has the memory that its database server may come to use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..._bench.service import service_kind
from ..._mariadb.memory_need import USED_SHARE_OF_THREAD, MemoryNeed, memory_need
from ..._system.quantities import bytes_text
from ..registry import Measurement, Remediation, UnmeasurableError, check
from ..targets.database_server import DatabaseServer
from ..targets.host import DATABASE_PROGRAMS, HOST_NAME, Host

WARNING_PERCENT = 85
# Memory that nothing can take away from a program: no page of a file, which can be read again.
_OWN_MEMORY = ("RssAnon:", "RssShmem:")


@check(
    "D11",
    "memory.ceiling",
    title="Memory that the database server may come to use",
    subject="mariadb",
    target=DatabaseServer,
    measures="what the server uses with as many connections as there ever were, in percent of the memory that all "
    "other programs leave",
    source="SHOW GLOBAL VARIABLES, Max_used_connections, /proc/meminfo and the memory of each process",
    unit="percent",
    warning=str(WARNING_PERCENT),
    critical="95",
    impact="critical",
    remediation=Remediation(
        "Lower innodb_buffer_pool_size to what the evidence names, or max_connections and the buffers of each "
        "connection; or fewer web and queue workers, or more memory. Beyond 100 % the kernel kills the largest "
        "process, which is MariaDB."
    ),
    reference="MySQLTuner (85 %), with the memory of the bench's own processes taken off",
)
def memory_ceiling(server: DatabaseServer) -> Iterator[Measurement]:
    """Compare the server's need with the memory that the other programs leave."""
    server.require_local()
    host = Host(HOST_NAME, server.surroundings)
    need = memory_need(
        server.variables, server.number, server.counter("Max_used_connections"), performance_schema_bytes(server)
    )
    others = memory_of_others(host, own_processes(server, host))
    installed = host.memory["MemTotal"]
    available = installed - sum(others.values())
    if available <= 0:
        raise UnmeasurableError("the other programs seem to use more memory than the host has")
    percent = 100 * need.likely_bytes / available
    yield Measurement(
        percent,
        text=f"MariaDB may come to use {bytes_text(need.likely_bytes)}, {percent:.0f} % of the "
        f"{bytes_text(available)} that other programs leave",
        evidence=(
            *_need_lines(need, available),
            f"of {bytes_text(installed)}, others use: "
            + ", ".join(f"{kind} {bytes_text(size)}" for kind, size in others.most_common()),
        ),
    )


def _need_lines(need: MemoryNeed, available_bytes: float) -> Iterator[str]:
    room = available_bytes * WARNING_PERCENT / 100 - (need.likely_bytes - need.pool_bytes)
    yield f"innodb_buffer_pool_size is {bytes_text(need.pool_bytes)}; up to {bytes_text(max(0.0, room))} fits"
    yield (
        f"{bytes_text(need.shared_bytes)} shared + {need.peak_threads:.0f} connections x "
        f"{bytes_text(need.thread_bytes)} x {USED_SHARE_OF_THREAD}"
    )
    yield (
        f"if all {need.most_threads:.0f} connections used all their buffers: {bytes_text(need.worst_bytes)}, "
        f"{100 * need.worst_bytes / available_bytes:.0f} %"
    )


def performance_schema_bytes(server: DatabaseServer) -> float:
    """Return what the performance schema has taken, 0 where it is off or the account may not ask."""
    if server.is_on("performance_schema"):
        with suppress(UnmeasurableError):
            rows = server.query("SHOW ENGINE PERFORMANCE_SCHEMA STATUS")
            return sum(float(row[2]) for row in rows if row[1] == "performance_schema.memory")
    return 0.0


def own_processes(server: DatabaseServer, host: Host) -> set[int]:
    """Return the server's process, or every database server's where its file of the process id cannot be read."""
    path = Path(server.variables["datadir"]) / server.variables["pid_file"]
    content = host.read_if_there(str(path))
    if content.isdigit():
        return {int(content)}
    return {process.pid for process in host.processes_of(DATABASE_PROGRAMS)}


def memory_of_others(host: Host, own: set[int]) -> Counter[str]:
    """Return the bytes that nobody can take from the other programs, by what they are for."""
    used: Counter[str] = Counter()
    for process in host.processes:
        if process.pid not in own:
            lines = (line.split() for line in host.read_if_there(f"/proc/{process.pid}/status").splitlines())
            kib = sum(int(words[1]) for words in lines if words and words[0] in _OWN_MEMORY)
            used[service_kind(process.arguments)] += kib * 1024
    return used
