"""Checks of open files: how many there are, and the room that deleted ones still take."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from ..._bench.processes import Process
from ..._system.quantities import bytes_text, count_text
from ..registry import Measurement, Remediation, UnmeasurableError, check
from ..targets.host import DATABASE_PROGRAMS, REDIS_PROGRAMS, Host, program_name

# What the sites need; every other program is in one line, with its worst.
_NAMED_PROGRAMS = frozenset({*DATABASE_PROGRAMS, *REDIS_PROGRAMS, "nginx", "gunicorn", "supervisord"})
_OTHERS = "others"
_LIMIT = re.compile(r"^Max open files\s+(?P<soft>\d+)", re.MULTILINE)
_DELETED = " (deleted)"
# What never had a file on a disk.
_NO_FILES = ("/memfd:", "/dev/", "/SYSV")
_BLOCK_BYTES = 512  # st_blocks counts these, whatever the file system (stat(2))


@check(
    "H19",
    "fd.usage",
    title="Open files against their limits",
    subject="host",
    target=Host,
    measures="how many files are open, in percent of the kernel's limit and of each program's own",
    source="/proc/sys/fs/file-nr, /proc/PID/fd and limits",
    unit="percent",
    warning="70",
    critical="90",
    impact="medium",
    remediation=Remediation(
        "Raise LimitNOFILE of the service (systemctl edit), minfds of supervisord, or open_files_limit of MariaDB; if "
        "the number only ever grows, the program leaks: restart it."
    ),
    reference="node-mixin NodeFileDescriptorLimit (70 and 90 %)",
)
def files_open(target: Host) -> Iterator[Measurement]:
    """Measure the host, and the worst process of each program."""
    allocated, _free, most = (int(number) for number in target.read("/proc/sys/fs/file-nr").split())
    percent = 100 * allocated / most
    yield Measurement(percent, "host", f"{allocated:,} of {most:,} files are open on the host")
    worst: dict[str, tuple[float, str]] = {}
    for process in target.processes:
        with suppress(OSError):  # it ended meanwhile, or is another account's
            opened = len(os.listdir(target.path(f"/proc/{process.pid}/fd")))  # noqa: PTH208 (no path is needed)
            limit = _LIMIT.search(target.path(f"/proc/{process.pid}/limits").read_text())
            if limit and int(limit["soft"]):
                name = program_name(process)
                item = name if name in _NAMED_PROGRAMS else _OTHERS
                text = f"{name} (process {process.pid}) has {opened:,} of {int(limit['soft']):,} files open"
                worst[item] = max(worst.get(item, (0.0, "")), (100 * opened / int(limit["soft"]), text))
    for item, (share, text) in sorted(worst.items()):
        yield Measurement(share, item, text)


@dataclass
class _Deleted:
    """The deleted files that are still open: their bytes by owner, each file once."""

    owners: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    seen: set[tuple[int, int]] = field(default_factory=set)
    hidden_processes: int = 0


@check(
    "H21",
    "files.deleted",
    title="Room that deleted files still take",
    subject="host",
    target=Host,
    measures="the bytes of files that were deleted while a process has them open, with the processes",
    source="/proc/PID/fd",
    unit="bytes",
    warning="1073741824",
    critical="5368709120",
    impact="medium",
    remediation=Remediation(
        "Reload or restart the processes that are named, as after a log was removed by hand: the room comes back when "
        "they close the file."
    ),
    reference="Lynis LOGG-2190; 1 and 5 GiB: own proposal",
)
def files_deleted(target: Host) -> Iterator[Measurement]:
    """Add up the deleted files of every process that may be looked at."""
    deleted = _Deleted()
    for process in target.processes:
        _add_deleted(target, process, deleted)
    if deleted.hidden_processes == len(target.processes):
        raise UnmeasurableError("no process may be looked at: run this as root")
    total = sum(deleted.owners.values())
    named = [
        f"{owner} holds {bytes_text(size)} in {count_text(deleted.counts[owner], 'deleted file')}"
        for owner, size in deleted.owners.most_common()
        if size
    ]
    text = f"deleted files that are open take {bytes_text(total)}"
    if deleted.hidden_processes:
        text += f"; {deleted.hidden_processes} processes of other accounts may not be looked at"
    yield Measurement(total, text=text, evidence=tuple(named))


def _add_deleted(target: Host, process: Process, deleted: _Deleted) -> None:
    owner = f"{program_name(process)} (process {process.pid})"
    try:
        with os.scandir(target.path(f"/proc/{process.pid}/fd")) as found:
            entries = list(found)
    except PermissionError:
        deleted.hidden_processes += 1
        return
    except OSError:
        return  # it ended meanwhile
    for entry in entries:
        with suppress(OSError):  # it was closed meanwhile
            name = os.readlink(entry.path)  # noqa: PTH115 (thousands of them: no object for each)
            if name.endswith(_DELETED) and not name.startswith(_NO_FILES):
                status = entry.stat()
                if (status.st_dev, status.st_ino) not in deleted.seen:
                    deleted.seen.add((status.st_dev, status.st_ino))
                    deleted.owners[owner] += status.st_blocks * _BLOCK_BYTES
                    deleted.counts[owner] += 1
