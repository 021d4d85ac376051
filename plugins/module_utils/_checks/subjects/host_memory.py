"""Checks of the host's memory: what is left, what was swapped out, and who was killed for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..._system.quantities import DAY_SECONDS, bytes_text, duration_text
from ..findings import CRITICAL, WARNING
from ..rates import Rates
from ..registry import Measurement, NotApplicableError, Remediation, UnmeasurableError, check
from ..targets.host import DATABASE_PROGRAMS, REDIS_PROGRAMS, Host, amounts_of_memory

MEMORY_HELP = Remediation(
    "Make innodb_buffer_pool_size smaller, start fewer web and queue workers, or take more memory."
)
# A database that was swapped out answers slowly long before the swap is full (FCM: 100 MB).
SWAPPED_SERVICE_BYTES = 100 * 2**20
# The limit and the use of a container's memory, in versions 2 and 1 of control groups, and what of it is only a cache.
_GROUP_FILES = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
    ),
)
_INACTIVE_FILE = re.compile(r"^(?:total_)?inactive_file (?P<bytes>\d+)", re.MULTILINE)
_KILLED = re.compile(r"Killed process (?P<pid>\d+) \((?P<name>[^)]*)\)")
# Whose death users notice: the database, Redis, and the bench's own processes (gunicorn and RQ are Python).
_VITAL = re.compile(r"mariadbd|mysqld|redis|valkey|gunicorn|python|rq|node|bench")


@check(
    "H10",
    "mem.available",
    title="Memory that is available",
    subject="host",
    target=Host,
    measures="the share of the memory that programs may take without swapping; in a container, of its limit",
    source="/proc/meminfo, memory.max and memory.current",
    unit="percent",
    warning="10:",
    critical="5:",
    impact="critical",
    remediation=MEMORY_HELP,
    reference="awesome-prometheus-alerts HostOutOfMemory (10 %)",
)
def memory_available(target: Host) -> Iterator[Measurement]:
    """Measure the host's memory, or the container's."""
    total, available = usable_memory(target)
    percent = 100 * available / total
    yield Measurement(percent, text=f"{percent:.0f} % of {bytes_text(total)} is available ({bytes_text(available)})")


@check(
    "H11",
    "mem.swap",
    title="Memory that was swapped out",
    subject="host",
    target=Host,
    measures="how much of the swap is used, and how much of MariaDB and of Redis lies in it",
    source="/proc/meminfo, VmSwap and VmRSS of /proc/PID/status",
    unit="percent",
    warning="80",
    critical="90",
    impact="medium",
    remediation=Remediation(
        "Set vm.swappiness to 1 to 10, make innodb_buffer_pool_size smaller; a restart brings the service back."
    ),
    reference="awesome-prometheus-alerts HostSwapIsFillingUp (80 %); press mariadb_monitor (100 MB of the database)",
)
def memory_swap(target: Host) -> Iterator[Measurement]:
    """Measure the swap, and the services that must not be in it."""
    total = target.memory.get("SwapTotal", 0)
    if not total:
        raise NotApplicableError("this host has no swap")
    used = total - target.memory.get("SwapFree", 0)
    percent = 100 * used / total
    yield Measurement(percent, "swap", f"{percent:.0f} % of {bytes_text(total)} swap is used")
    for name in (*DATABASE_PROGRAMS, *REDIS_PROGRAMS):
        statuses = [
            amounts_of_memory(target.read_if_there(f"/proc/{process.pid}/status"))
            for process in target.processes_of([name])
        ]
        swapped, resident = (sum(status.get(kind, 0) for status in statuses) for kind in ("VmSwap", "VmRSS"))
        if swapped > SWAPPED_SERVICE_BYTES:
            share = 100 * swapped / (swapped + resident)
            yield Measurement(share, name, f"{bytes_text(swapped)} of {name} lie in the swap", severity=WARNING)


@check(
    "H12",
    "mem.oom_kills",
    title="Processes that the kernel killed for want of memory",
    subject="host",
    target=Host,
    measures="how many processes were killed since the last run, or where there is none in the last day, and which",
    source="oom_kill of /proc/vmstat (it counts those of containers too), the kernel's log",
    unit="count",
    warning="0",
    impact="critical",
    remediation=MEMORY_HELP,
    reference="awesome-prometheus-alerts HostOomKillDetected",
)
def memory_oom_kills(target: Host) -> Iterator[Measurement]:
    """Compare the kernel's count with the last run's, and let its log say who it was."""
    now = target.now_seconds
    since = now - DAY_SECONDS
    counted = None
    earlier = target.surroundings.history.sample(target.name, now)
    if earlier is not None and target.samples:
        rates = Rates(earlier, target.samples[-1])
        since = target.booted_at_seconds if rates.is_over_a_restart else earlier.at_seconds
        counted = rates.after.counters.get("oom_kill") if rates.is_over_a_restart else rates.increase("oom_kill")
    messages = [message for message in target.kernel_messages or () if message.at_seconds >= since]
    killed = [match["name"] for message in messages if (match := _KILLED.search(message.text))]
    if target.kernel_messages is None and counted is None:
        raise UnmeasurableError("the kernel's log may not be read; the next run compares its count with this one's")
    count = max(counted or 0.0, len(killed))
    vital = sorted({name for name in killed if _VITAL.search(name)})
    text = f"processes that the kernel killed in {duration_text(now - since)}: {count:.0f}"
    yield Measurement(
        count,
        text=f"{text}, among them {', '.join(vital)}" if vital else text,
        evidence=tuple(f"killed: {name}" for name in killed),
        severity=CRITICAL if vital else "",
    )


def usable_memory(target: Host) -> tuple[int, int]:
    """Return how much memory this host has, or may take where it is a container, and how much of it is available.

    Raises:
        UnmeasurableError: The kernel does not tell.
    """
    total = target.memory.get("MemTotal", 0)
    if "MemAvailable" not in target.memory or not total:
        raise UnmeasurableError("/proc/meminfo has no MemAvailable")
    available = target.memory["MemAvailable"]
    limit = container_limit(target)
    if limit is not None and limit[0] < total:
        return limit[0], min(available, limit[1])
    return total, available


def container_limit(target: Host) -> tuple[int, int] | None:
    """Return how much memory this container may take, and how much of that is left."""
    for limit_file, used_file, statistics_file in _GROUP_FILES:
        limit, used = target.read_if_there(limit_file), target.read_if_there(used_file)
        if limit.isdigit() and used.isdigit():
            cache = _INACTIVE_FILE.search(target.read_if_there(statistics_file))
            return int(limit), max(0, int(limit) - int(used) + (int(cache["bytes"]) if cache else 0))
    return None
