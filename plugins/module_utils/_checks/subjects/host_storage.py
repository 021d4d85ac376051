"""Checks of what the file systems lie on: whether they take writes, whether disks and mirrors are whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from ..._system.errors import LifeboatError
from ..._system.mounts import mount_of
from ..._system.quantities import DAY_SECONDS
from ..findings import SKIPPED, UNKNOWN
from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.host import Host

# How the block layer, ext4, XFS and Btrfs say that a device or what is on it is damaged.
_DEVICE_ERROR = re.compile(
    r"(?:I/O error,? (?:on )?dev|critical medium error, dev|EXT4-fs error \(device|BTRFS (?:error|critical) \(device)"
    r" (?P<device>[\w/-]+)"
    r"|(?:EXT4-fs|XFS) \((?P<other>[\w/-]+)\): .*"
    r"(?:Remounting filesystem read-only|Corruption|Internal error|metadata I/O error|Shutting down filesystem)"
)
# Drives of removable media report errors because they are empty.
_REMOVABLE = re.compile(r"(?:sr|fd)\d+")
_FSTAB_OPTIONS_FIELD = 3

# A mirror with a missing member: [U_] instead of [UU].
_ARRAY = re.compile(r"^(?P<name>md\S+) : (?P<state>\S+)")
_MEMBERS = re.compile(r"\[(?P<members>[U_]+)\]\s*$")
_PHYSICAL_DISK = re.compile(r"sd[a-z]+|nvme\d+n\d+")
_VIRTUAL_MODELS = re.compile(r"qemu|vmware|virtual|vbox|msft|google|amazon|persistent|volume|cloud", re.IGNORECASE)
# Each answers within a fraction of a second; a shelf of disks must not take the whole time of the check.
MOST_DISKS = 8
# smartctl's exit code holds these bits where the disk was not asked: wrong usage, no access, asleep (smartctl(8)).
_NOT_ASKED_BITS = 0b011
_FAILING_BITS = 0b11000


@check(
    "H04",
    "disk.readonly",
    title="File systems that take no writes",
    subject="host",
    target=Host,
    measures="file systems that wrongly are read-only, and devices that reported errors in the last day",
    source="/proc/self/mountinfo against /etc/fstab; the kernel's log",
    unit="bool",
    critical="0",
    impact="critical",
    remediation=Remediation(
        "Stop what writes, save the newest backups elsewhere, look into dmesg, then check the file system with fsck "
        "while it is not mounted, or replace the device."
    ),
    reference="awesome-prometheus-alerts HostFilesystemDeviceError",
)
def disk_readonly(target: Host) -> Iterator[Measurement]:
    """Compare the mounts with what they should be, and read what the kernel said about devices."""
    expected = _writable_by_fstab(target)
    places = {mount.point for path in target.places if (mount := mount_of(path, target.mounts))}
    for system in target.file_systems:
        mount = system.mount
        if mount.point in expected | places:
            state = "takes no writes" if mount.is_read_only else "takes writes"
            yield Measurement(float(mount.is_read_only), mount.point, f"{mount.point} ({mount.source}) {state}")
    for device, message in sorted(_device_errors(target).items()):
        yield Measurement(
            1, f"device {device}", f"the kernel reported an error of {device} in the last day", (message,)
        )


@check(
    "H24",
    "disk.health",
    title="Health of disks and mirrors",
    subject="host",
    target=Host,
    measures="whether a disk says that it fails, and whether an array misses a member",
    source="smartctl -j, /proc/mdstat",
    unit="bool",
    critical="0",
    impact="critical",
    remediation=Remediation(
        "Make sure that the newest backup is elsewhere, then replace the disk and let the array rebuild."
    ),
    reference="awesome-prometheus-alerts SmartFailed; node-mixin NodeRAIDDegraded",
)
def disk_health(target: Host) -> Iterator[Measurement]:
    """Read the arrays, and ask the disks that are no virtual ones."""
    arrays = list(_arrays(target))
    disks = _physical_disks(target)
    if not arrays and not disks:
        raise NotApplicableError("there is no array, and no disk of its own (a virtual one has no health)")
    yield from arrays
    for disk in disks[:MOST_DISKS]:
        yield _health_of(target, disk)


def _writable_by_fstab(target: Host) -> set[str]:
    lines = (line.split() for line in target.read_if_there("/etc/fstab").splitlines() if not line.startswith("#"))
    return {
        fields[1]
        for fields in lines
        if len(fields) > _FSTAB_OPTIONS_FIELD and "ro" not in fields[_FSTAB_OPTIONS_FIELD].split(",")
    }


def _device_errors(target: Host) -> dict[str, str]:
    """Return the last message of each device that had an error in the last day."""
    since = target.now_seconds - DAY_SECONDS
    found: dict[str, str] = {}
    for message in target.kernel_messages or ():
        match = _DEVICE_ERROR.search(message.text)
        if match and message.at_seconds >= since:
            device = match["device"] or match["other"]
            if not _REMOVABLE.fullmatch(device):
                found[device] = message.text
    return found


def _arrays(target: Host) -> Iterator[Measurement]:
    name = ""
    for line in target.read_if_there("/proc/mdstat").splitlines():
        if start := _ARRAY.match(line):
            name = start["name"]
        elif name and (match := _MEMBERS.search(line)):
            missing = match["members"].count("_")
            text = f"{name} misses {missing} of {len(match['members'])} members" if missing else f"{name} is complete"
            yield Measurement(float(missing > 0), name, text)
            name = ""


def _physical_disks(target: Host) -> list[str]:
    folder = target.path("/sys/block")
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return [name for name in names if _PHYSICAL_DISK.fullmatch(name) and _is_physical(folder / name)]


def _is_physical(folder: Path) -> bool:
    about = [folder / "device" / name for name in ("vendor", "model")]
    return not any(_VIRTUAL_MODELS.search(path.read_text(errors="replace")) for path in about if path.is_file())


def _health_of(target: Host, disk: str) -> Measurement:
    # A disk that sleeps is left asleep.
    try:
        result = target.surroundings.run(["smartctl", "-j", "-H", "-A", "-n", "standby", f"/dev/{disk}"])
    except LifeboatError as error:
        is_missing = error.error_code == "command_missing"
        return Measurement(None, disk, error.message, severity=SKIPPED if is_missing else UNKNOWN)
    if result.exit_code & _NOT_ASKED_BITS:
        return Measurement(None, disk, f"{disk} sleeps, or does not tell its health")
    try:
        answer = json.loads(result.output)
    except ValueError:
        return Measurement(None, disk, "smartctl did not answer in JSON, which it does from version 7")
    log = answer.get("nvme_smart_health_information_log", {})
    media_errors = log.get("media_errors", 0)
    failing = not answer.get("smart_status", {}).get("passed", True) or bool(result.exit_code & _FAILING_BITS)
    text = f"{disk} says that it is failing" if failing else f"{disk} says that it is well"
    if media_errors:
        text = f"{disk} counted {media_errors} media errors"
    return Measurement(float(failing or media_errors > 0), disk, text)
