"""The host itself: its kernel's numbers, mounts, processes and services."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..._bench.layout import Bench, find_benches
from ..._bench.processes import Process, list_processes
from ..._system.errors import LifeboatError
from ..._system.mounts import Mount, Usage, file_systems, parse_mounts, read_usages
from ..rates import Sample
from ..registry import NotApplicableError, UnmeasurableError
from .target import Surroundings, Target

HOST_NAME = "host"
DATABASE_PROGRAMS = ("mariadbd", "mysqld")
REDIS_PROGRAMS = ("redis-server", "valkey-server")
_INTERPRETERS = ("python", "node", "bash", "sh")

# The columns of /proc/stat that make up all time; guests' time, which follows, is within the first two (proc(5)).
_TIMES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
# Of the fields that follow a process's name in its stat: when it started, in ticks since the boot (proc(5), field 22).
_START_FIELD = 19
_KERNEL_LINE = re.compile(r"\[\s*(?P<seconds>\d+\.\d+)\] (?P<text>.*)")
# What container engines leave behind in a container: podman, docker, and systemd below any of them.
_CONTAINER_MARKS = ("/run/.containerenv", "/.dockerenv", "/run/systemd/container")


@dataclass(frozen=True)
class KernelMessage:
    """A line of the kernel's log, at its Unix time."""

    at_seconds: float
    text: str


@dataclass(frozen=True)
class FileSystem:
    """A file system that holds data; ``usage`` is None where it does not answer."""

    mount: Mount
    usage: Usage | None


class Host(Target):
    """The host on which the checks run.

    Args:
        name: What names it in findings.
        surroundings: The I/O of this run.
        benches: The benches that are looked at; None for all that are found.
    """

    def __init__(self, name: str, surroundings: Surroundings, benches: Sequence[Bench] | None = None) -> None:
        super().__init__(name, surroundings)
        self._given_benches = benches

    def path(self, absolute: str) -> Path:
        """Return where a path of the host lies below the root that stands for ``/``."""
        return self.surroundings.root / absolute.lstrip("/")

    def read(self, absolute: str) -> str:
        """Return the text of a file of the host, as those in /proc.

        Raises:
            UnmeasurableError: It cannot be read.
        """
        try:
            return self.path(absolute).read_text(errors="replace")
        except OSError as error:
            raise UnmeasurableError(f"{absolute} cannot be read: {error.strerror}") from None

    def read_if_there(self, absolute: str) -> str:
        """Return the text of a file of the host without the space around it, nothing where it cannot be read."""
        try:
            return self.read(absolute).strip()
        except UnmeasurableError:
            return ""

    def output_of(self, arguments: Sequence[str]) -> str:
        """Return what a program printed.

        Raises:
            NotApplicableError: It is not installed.
            UnmeasurableError: It failed, or took too long.
        """
        try:
            result = self.surroundings.run(arguments)
        except LifeboatError as error:
            if error.error_code == "command_missing":
                raise NotApplicableError(f"{arguments[0]} is not installed") from None
            raise UnmeasurableError(error.message) from None
        if result.exit_code:
            reason = result.error_output.strip().partition("\n")[0]
            raise UnmeasurableError(f"{arguments[0]} ended with exit code {result.exit_code}: {reason}")
        return result.output

    def require_systemd(self) -> None:
        """Raise NotApplicableError where systemd does not run this host."""
        if not self.path("/run/systemd/system").is_dir():
            raise NotApplicableError("systemd does not run this host")

    @property
    def is_container(self) -> bool:
        """Whether the host is a container, whose kernel and clock belong to another one."""
        return any(self.path(mark).exists() for mark in _CONTAINER_MARKS)

    @cached_property
    def processes(self) -> list[Process]:
        """The processes that run now."""
        return list_processes(self.path("/proc"))

    def processes_of(self, programs: Sequence[str]) -> list[Process]:
        """Return the processes that run one of these programs."""
        return [process for process in self.processes if any(process.is_program(name) for name in programs)]

    @cached_property
    def benches(self) -> list[Bench]:
        """The benches that are looked at: those that were given, or those in the usual places and of processes."""
        if self._given_benches is not None:
            return list(self._given_benches)
        return find_benches(root=self.surroundings.root)

    @property
    def database_folders(self) -> list[Path]:
        """The data directories of the database servers that run here: where they stand."""
        folders = {process.working_directory for process in self.processes_of(DATABASE_PROGRAMS)}
        return sorted(folder for folder in folders if folder is not None)

    @property
    def backup_folders(self) -> list[Path]:
        """Where backup sets are: as the user named them, and those of the sites."""
        settings = self.surroundings.settings
        named = [Path(path) for path in (*settings.backup_paths, *settings.offsite_paths)]
        return [*named, *(site.backups_path for bench in self.benches for site in bench.sites())]

    @cached_property
    def places(self) -> list[Path]:
        """The folders without which the sites stop, or cannot be brought back."""
        folders = [*self.database_folders, *(bench.path for bench in self.benches), *self.backup_folders]
        return [Path(os.path.realpath(folder)) for folder in folders]

    @cached_property
    def mounts(self) -> list[Mount]:
        """Everything that is mounted."""
        return parse_mounts(self.read("/proc/self/mountinfo"))

    @cached_property
    def file_systems(self) -> list[FileSystem]:
        """The file systems that hold data, each once."""
        chosen = file_systems(self.mounts, self.places)
        usages = read_usages(
            [self.path(mount.point) for mount in chosen], self.surroundings.patience.answer_seconds / 2
        )
        return [FileSystem(mount, usages.get(self.path(mount.point))) for mount in chosen]

    @cached_property
    def booted_at_seconds(self) -> float:
        """When the kernel started, in Unix time."""
        fields = dict(line.partition(" ")[::2] for line in self.read("/proc/stat").splitlines())
        return float(fields.get("btime", 0))

    def started_at_seconds(self, process: Process) -> float:
        """Return when a process was started, in Unix time.

        Raises:
            UnmeasurableError: It ended meanwhile.
        """
        fields = self.read(f"/proc/{process.pid}/stat").rpartition(")")[2].split()
        return self.booted_at_seconds + int(fields[_START_FIELD]) / os.sysconf("SC_CLK_TCK")

    @cached_property
    def memory(self) -> dict[str, int]:
        """The kernel's account of the memory, in bytes: MemTotal, MemAvailable, SwapTotal and others."""
        return amounts_of_memory(self.read("/proc/meminfo"))

    @cached_property
    def kernel_messages(self) -> list[KernelMessage] | None:
        """What is still in the kernel's log, oldest first; None where it may not be read."""
        try:
            lines = self.output_of(["dmesg"]).splitlines()
        except (NotApplicableError, UnmeasurableError):
            return None
        matches = filter(None, map(_KERNEL_LINE.match, lines))
        return [KernelMessage(self.booted_at_seconds + float(match["seconds"]), match["text"]) for match in matches]

    def read_sample(self) -> Sample:
        """Read the kernel's counters: its clock ticks by kind, our own ticks, and how many processes it killed."""
        first, *_rest = self.read("/proc/stat").splitlines()
        times = {f"cpu_{name}": float(ticks) for name, ticks in zip(_TIMES, first.split()[1:])}
        events = dict(line.split() for line in self.read("/proc/vmstat").splitlines())
        own_seconds = sum(os.times()[:4])
        return Sample(
            self.now_seconds,
            self.booted_at_seconds,
            {
                **times,
                "cpu_total": sum(times.values()),
                "cpu_own": own_seconds * os.sysconf("SC_CLK_TCK"),
                **({"oom_kill": float(events["oom_kill"])} if "oom_kill" in events else {}),
            },
        )


def amounts_of_memory(text: str) -> dict[str, int]:
    """Read the lines of /proc/meminfo or /proc/PID/status that are amounts, in bytes; others count something else."""
    lines = (line.split() for line in text.splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if words[2:] == ["kB"]}


def program_name(process: Process) -> str:
    """Return the name by which people know what a process runs: a script's or module's, not its interpreter's."""
    program, *others = (Path(argument).name.rstrip(":") for argument in process.arguments[:2])
    is_script = program.startswith(_INTERPRETERS) and others and not others[0].startswith("-")
    return process.module or (others[0] if is_script else program)
