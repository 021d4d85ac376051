"""Check of the kernel's settings that MariaDB and Redis ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Callable

from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.host import DATABASE_PROGRAMS, REDIS_PROGRAMS, Host

_CHOSEN = re.compile(r"\[(?P<value>\w+)\]")


@dataclass(frozen=True)
class _Knob:
    """A setting: its file, which programs ask for it, what is right, in words and as a test."""

    name: str
    path: str
    programs: tuple[str, ...]
    wanted: str
    is_right: Callable[[str], bool]


_KNOBS = (
    _Knob(
        "vm.overcommit_memory",
        "/proc/sys/vm/overcommit_memory",
        REDIS_PROGRAMS,
        "1, or Redis cannot fork to save",
        lambda value: value == "1",
    ),
    _Knob(
        "transparent_hugepage",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        REDIS_PROGRAMS,
        "madvise or never, or Redis pauses and grows",
        lambda value: value != "always",
    ),
    _Knob(
        "net.core.somaxconn",
        "/proc/sys/net/core/somaxconn",
        REDIS_PROGRAMS,
        "511 or more, which is Redis's backlog",
        lambda value: int(value) >= 511,  # noqa: PLR2004 (said in the line above)
    ),
    _Knob(
        "vm.swappiness",
        "/proc/sys/vm/swappiness",
        DATABASE_PROGRAMS,
        "10 or less, or the buffer pool is swapped out for a cache of files",
        lambda value: int(value) <= 10,  # noqa: PLR2004 (said in the line above)
    ),
    _Knob(
        "fs.aio-max-nr",
        "/proc/sys/fs/aio-max-nr",
        DATABASE_PROGRAMS,
        "65536 or more, or InnoDB starts without asynchronous I/O",
        lambda value: int(value) >= 65536,  # noqa: PLR2004 (said in the line above)
    ),
)


@check(
    "H25",
    "kernel.settings",
    title="Kernel settings for MariaDB and Redis",
    subject="host",
    target=Host,
    measures="settings of the kernel that differ from what the servers on this host ask for",
    source="/proc/sys, /sys/kernel/mm",
    unit="bool",
    warning="0",
    impact="low",
    remediation=Remediation(
        "Write the wanted values to /etc/sysctl.d/90-bench.conf and run sysctl --system; transparent huge pages are "
        "set by a unit, or transparent_hugepage=madvise on the kernel's command line."
    ),
    reference="Redis administration guide; MySQLTuner (swappiness); own proposal (aio-max-nr, the kernel's default)",
)
def kernel_settings(target: Host) -> Iterator[Measurement]:
    """Compare those that matter to the servers that run here."""
    wanted = [knob for knob in _KNOBS if target.processes_of(knob.programs)]
    if not wanted:
        raise NotApplicableError("neither MariaDB nor Redis runs on this host")
    for knob in wanted:
        value = target.read_if_there(knob.path)
        chosen = _CHOSEN.search(value)
        value = chosen["value"] if chosen else value
        if not value:
            yield Measurement(None, knob.name, f"{knob.name} cannot be read")
            continue
        is_right = knob.is_right(value)
        text = f"{knob.name} is {value}" + ("" if is_right else f"; it should be {knob.wanted}")
        yield Measurement(float(not is_right), knob.name, text)
