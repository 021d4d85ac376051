"""Checks of the kernel's pressure stall information: how much of the last minute something waited."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..findings import CRITICAL, OK, WARNING
from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.host import DATABASE_PROGRAMS, Host

# A processor is often waited for on a small host; the disk and the memory are not (press mariadb_monitor).
CPU_WARNING_PERCENT, CPU_CRITICAL_PERCENT = 60, 80
_SOME = re.compile(r"^some .*\bavg60=(?P<percent>[\d.]+)", re.MULTILINE)


@check(
    "H08",
    "psi.memory",
    title="Work that waits for memory",
    subject="host",
    target=Host,
    measures="the share of the last minute in which something waited for memory, on the host and in MariaDB's group",
    source="/proc/pressure/memory, memory.pressure of the group of mariadbd",
    unit="percent",
    warning="20",
    critical="60",
    impact="critical",
    remediation=Remediation(
        "Make innodb_buffer_pool_size smaller, start fewer web and queue workers, or take more memory, before the "
        "kernel kills the largest process: MariaDB."
    ),
    reference="press mariadb_monitor (20 and 60 %); systemd-oomd (60 %)",
)
def pressure_memory(target: Host) -> Iterator[Measurement]:
    """Read the pressure of the host and of the group in which the database server runs."""
    places = {"host": _pressure_file(target, "memory")}
    for process in target.processes_of(DATABASE_PROGRAMS):
        _hierarchy, _colon, group = target.read_if_there(f"/proc/{process.pid}/cgroup").rpartition("0::")
        if group.strip("/"):
            places["mariadb"] = f"/sys/fs/cgroup{group}/memory.pressure"
    yield from _require(
        [
            Measurement(percent, item, f"something on {item} waited for memory {percent:.1f} % of the last minute")
            for item, place in places.items()
            if (percent := _percent(target, place)) is not None
        ]
    )


@check(
    "H09",
    "psi.io_cpu",
    title="Work that waits for the disk or for a processor",
    subject="host",
    target=Host,
    measures="the share of the last minute in which something waited for the disk (io) or for a processor (cpu)",
    source="/proc/pressure, in a container its own io.pressure and cpu.pressure",
    unit="percent",
    warning="30",
    critical="60",
    impact="medium",
    remediation=Remediation("Pause maintenance, backups and reports; then as for a high load."),
    reference="press mariadb_monitor (60 and 80 % for the processors); 30 and 60 % for the disk: own proposal",
)
def pressure_io_cpu(target: Host) -> Iterator[Measurement]:
    """Read the pressure of both."""
    found = []
    for item, wanted in (("io", "the disk"), ("cpu", "a processor")):
        percent = pressure_percent(target, item)
        if percent is not None:
            text = f"something waited for {wanted} {percent:.1f} % of the last minute"
            found.append(Measurement(percent, item, text, severity=_cpu_severity(percent) if item == "cpu" else ""))
    yield from _require(found)


def _require(measurements: list[Measurement]) -> list[Measurement]:
    if not measurements:
        raise NotApplicableError("the kernel does not measure pressure (psi=1 on its command line makes it do so)")
    return measurements


def pressure_percent(target: Host, kind: str) -> float | None:
    """Return how much of the last minute something waited for ``memory``, ``io`` or ``cpu``, or None if unknown."""
    return _percent(target, _pressure_file(target, kind))


def _pressure_file(target: Host, kind: str) -> str:
    own = f"/sys/fs/cgroup/{kind}.pressure"
    return own if target.is_container and target.path(own).is_file() else f"/proc/pressure/{kind}"


def _percent(target: Host, place: str) -> float | None:
    match = _SOME.search(target.read_if_there(place))
    return float(match["percent"]) if match else None


def _cpu_severity(percent: float) -> str:
    if percent > CPU_CRITICAL_PERCENT:
        return CRITICAL
    return WARNING if percent > CPU_WARNING_PERCENT else OK
