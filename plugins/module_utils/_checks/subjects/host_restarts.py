"""Checks of updates that are installed but not in use yet: kernels before a boot, libraries before a restart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..._bench.processes import Process
from ..._system.quantities import count_text, duration_text
from ..findings import WARNING
from ..registry import Measurement, NotApplicableError, Remediation, UnmeasurableError, check
from ..targets.host import Host, program_name

_REBOOT_FILE = "/run/reboot-required"
# An image that was made while the host booted belongs to this boot.
BOOT_SECONDS = 300
# A mapped library whose file was replaced. Those in memory alone (memfd) have no file to begin with.
_REPLACED = re.compile(r" (?P<path>/(?!memfd:|dev/|SYSV)\S*\.so[.\d]*) \(deleted\)$", re.MULTILINE)
_UNIT = re.compile(r"/(?P<unit>[^/]+\.service)$", re.MULTILINE)
# What answers to the network or holds the data: an old library there is what an attacker looks for.
_EXPOSED = re.compile(r"mariadb|mysql|nginx|redis|valkey|ssh")


@check(
    "H16",
    "reboot.required",
    title="A reboot that is due",
    subject="host",
    target=Host,
    measures="how long an installed kernel, or another package that asked for a reboot, has waited for it",
    source="/run/reboot-required, the kernels in /boot against the time of the boot",
    unit="seconds",
    warning="0",
    critical="2592000",
    impact="medium",
    remediation=Remediation("Reboot in the next window, after a backup; bench and MariaDB start by themselves."),
    reference="needrestart (a kernel that is newer than the running one); 30 days: own proposal",
)
def reboot_required(target: Host) -> Iterator[Measurement]:
    """Look at the file of Debian and Ubuntu, then for a kernel that was installed after the boot."""
    if target.is_container:
        raise NotApplicableError("a container has its host's kernel")
    since = None
    marker = target.path(_REBOOT_FILE)
    packages = sorted(set(target.read_if_there(f"{_REBOOT_FILE}.pkgs").split()))
    if marker.exists():
        since = marker.stat().st_mtime
    else:
        # Its time of change is when it was put there; its own time is when it was built.
        kernels = {path.name: path.stat().st_ctime for path in sorted(target.path("/boot").glob("vmlinuz-*"))}
        later = {name: made for name, made in kernels.items() if made > target.booted_at_seconds + BOOT_SECONDS}
        if later:
            packages = sorted(later)
            since = min(later.values())
    if since is None:
        yield Measurement(0, text="no reboot is due")
    else:
        seconds = max(1.0, target.now_seconds - since)
        yield Measurement(seconds, text=f"a reboot has been due for {duration_text(seconds)}", evidence=tuple(packages))


@check(
    "H17",
    "services.stale_libraries",
    title="Services that run replaced libraries",
    subject="host",
    target=Host,
    measures="how long each service has run with a library whose file was replaced",
    source="/proc/PID/maps",
    unit="seconds",
    warning="0",
    critical="1209600",
    impact="medium",
    remediation=Remediation(
        "Restart the service in the next window, the database before the bench: until then it runs the old code, "
        "security holes included."
    ),
    reference="needrestart; Lynis; 14 days for what is exposed: own proposal",
)
def services_stale_libraries(target: Host) -> Iterator[Measurement]:
    """Read the maps of every process; how long it has been so comes from the earlier runs."""
    found: dict[str, list[tuple[Process, set[str]]]] = {}
    unreadable = 0
    for process in target.processes:
        try:
            maps = target.path(f"/proc/{process.pid}/maps").read_text(errors="replace")
        except PermissionError:
            unreadable += 1
            continue
        except OSError:
            continue  # it ended meanwhile
        if libraries := {match["path"] for match in _REPLACED.finditer(maps)}:
            found.setdefault(_service_name(target, process), []).append((process, libraries))
    if unreadable == len(target.processes):
        raise UnmeasurableError("no process may be looked at: run this as root")
    for name, stale in sorted(found.items()):
        since = min(_since(target, name, process) for process, _libraries in stale)
        seconds = max(1.0, target.now_seconds - since)
        replaced = sorted({path for _process, libraries in stale for path in libraries})
        text = f"{name} has run with {count_text(len(replaced), 'replaced file')} for {duration_text(seconds)}"
        severity = "" if _EXPOSED.search(name) else WARNING
        yield Measurement(seconds, name, text, tuple(replaced), severity, fact=f"{since:.0f}")
    if not found:
        hidden = f" ({unreadable} processes may not be looked at)" if unreadable else ""
        yield Measurement(0, text=f"no service runs a library that was replaced{hidden}")


def _service_name(target: Host, process: Process) -> str:
    match = _UNIT.search(target.read_if_there(f"/proc/{process.pid}/cgroup"))
    return match["unit"] if match else program_name(process)


def _since(target: Host, name: str, process: Process) -> float:
    """Return since when this process has been seen so: an earlier run may have seen the process before it."""
    started = target.started_at_seconds(process)
    earlier = float(target.surroundings.history.fact("H17", target.name, name) or 0)
    return earlier if earlier >= started else target.now_seconds
