"""Checks of what keeps the host's processors busy, or waiting."""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import CRITICAL
from ..registry import Measurement, NotApplicableError, Remediation, UnmeasurableError, check
from ..targets.host import Host

LOAD_HELP = Remediation(
    "See what takes the processors (top, mariadb-report-queries, the slow log), move reports and backups to quiet "
    "hours, and give fewer workers or more processors."
)
# Time that was promised and not given matters sooner than time that the disk takes (own proposal).
STEAL_CRITICAL_PERCENT = 30
_CPU_QUOTA_FILES = ("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us")


@check(
    "H05",
    "cpu.busy",
    title="Processors that are busy",
    subject="host",
    target=Host,
    measures="the share of the processors' time that was spent on work, without the time of these checks",
    source="/proc/stat, two samples",
    unit="percent",
    warning="80",
    critical="95",
    impact="medium",
    remediation=LOAD_HELP,
    reference="awesome-prometheus-alerts HostHighCpuLoad (80 %)",
    is_sampled=True,
)
def cpu_busy(target: Host) -> Iterator[Measurement]:
    """Measure all time that was neither idle nor waiting for a disk."""
    rates = target.rates
    total = _ticks(target)
    idle = rates.increase("cpu_idle") + rates.increase("cpu_iowait")
    # The last run was another process: its own time cannot be told, and does not matter over minutes.
    own = rates.increase("cpu_own") if rates.before in target.samples else 0.0
    percent = max(0.0, 100 * (total - idle - own) / total)
    yield Measurement(percent, text=f"the processors were {percent:.0f} % busy in the last {rates.seconds:.3g} seconds")


@check(
    "H06",
    "cpu.load",
    title="Load of the processors",
    subject="host",
    target=Host,
    measures="how many processes ran or waited for a processor or a disk over 5 minutes, for each processor",
    source="/proc/loadavg, the processors of /proc/stat, cpu.max",
    unit="ratio",
    warning="2",
    critical="3",
    impact="medium",
    remediation=LOAD_HELP,
    reference="node-mixin NodeSystemSaturation (2); Frappe Cloud's incident rule (3 for each vCPU)",
)
def cpu_load(target: Host) -> Iterator[Measurement]:
    """Divide the load of 5 minutes by the processors that are online."""
    if quota := _cpu_quota(target):
        raise NotApplicableError(
            f"this container may use {quota:g} processors, but the load is that of its whole host: see H09 for its own"
        )
    processors = sum(line[:3] == "cpu" and line[3:4].isdigit() for line in target.read("/proc/stat").splitlines())
    load = float(target.read("/proc/loadavg").split()[1])
    text = f"the load of 5 minutes is {load:g} on {processors} processors"
    yield Measurement(load / max(processors, 1), text=text)


@check(
    "H07",
    "cpu.waiting",
    title="Processors that wait for the disk or for the hypervisor",
    subject="host",
    target=Host,
    measures="the share of the processors' time that was spent waiting for a disk (iowait), or given to others (steal)",
    source="/proc/stat, two samples",
    unit="percent",
    warning="10",
    critical="50",
    impact="medium",
    remediation=Remediation(
        "iowait: look for what reads or writes (iotop, the slow log), or take a faster disk. steal: the host of this "
        "virtual machine is too full; move it, or ask its hoster."
    ),
    reference="awesome-prometheus-alerts HostCpuHighIowait and HostCpuStealNoisyNeighbor (10 %); press (50 %)",
    is_sampled=True,
)
def cpu_waiting(target: Host) -> Iterator[Measurement]:
    """Measure both shares."""
    total = _ticks(target)
    for item, meaning in (("iowait", "waited for a disk"), ("steal", "were taken by the hypervisor")):
        percent = 100 * target.rates.increase(f"cpu_{item}") / total
        severity = CRITICAL if item == "steal" and percent > STEAL_CRITICAL_PERCENT else ""
        yield Measurement(percent, item, f"the processors {meaning} {percent:.0f} % of the time", severity=severity)


def _ticks(target: Host) -> float:
    total = target.rates.increase("cpu_total")
    if not total:
        raise UnmeasurableError("the kernel counted no time between the two samples")
    return total


def _cpu_quota(target: Host) -> float | None:
    """Return how many processors this container may use; None where it may use all, or its load is its own."""
    if any(mount.point == "/proc/loadavg" for mount in target.mounts):
        return None  # lxcfs shows a container its own load and its own processors
    for name in _CPU_QUOTA_FILES:
        fields = target.read_if_there(name).split()
        if name.endswith("quota_us") and fields:
            fields.append(target.read_if_there("/sys/fs/cgroup/cpu/cpu.cfs_period_us"))
        if len(fields) == 2 and fields[0] not in {"max", "-1"}:  # noqa: PLR2004 (quota and period, in microseconds)
            return float(fields[0]) / float(fields[1])
    return None
