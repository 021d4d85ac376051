"""What supervisor runs of a bench, under whichever configuration it was started."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .._system.commands import CommandRunner
from .._system.errors import LifeboatError
from .layout import Bench
from .processes import Process
from .service import RUNNING, STOPPED, Service, is_inside, names_bench, runs_in, served_queues, service_kind

# Where the packages of the distributions put the configuration that a daemon without -c reads.
_DEFAULT_CONFIGURATIONS = ("etc/supervisor/supervisord.conf", "etc/supervisord.conf")
_STATUS_LINE = re.compile(
    r"^(?P<name>\S+)\s+(?P<state>STOPPED|STARTING|RUNNING|BACKOFF|STOPPING|EXITED|FATAL|UNKNOWN)\b"
    r"(?:.*?\bpid (?P<pid>\d+))?"
)


@dataclass(frozen=True)
class Program:
    """A program of a bench: its name, its command line, and the file that says so."""

    name: str
    command: str
    path: Path


def supervisor_services(
    bench: Bench, processes: Mapping[int, Process], run: CommandRunner, root: Path
) -> Iterator[Service]:
    """Yield the bench's services of every supervisor daemon on the host; a daemon that does not answer has none."""
    for daemon in processes.values():
        if not daemon.is_program("supervisord"):
            continue
        configuration = _configuration_path(daemon, root)
        programs = _bench_programs(bench, configuration) if configuration else {}
        children = (process for process in processes.values() if process.parent_pid == daemon.pid)
        if not programs and not any(runs_in(bench, child) for child in children):
            continue  # it has nothing of the bench, and asking it costs the start of a program
        for line in _status_lines(daemon, configuration, run):
            name, pid = line["name"], int(line["pid"] or 0)
            process = processes.get(pid)
            process_name = name.rpartition(":")[2]
            program = _program_of(process_name, programs)
            if runs_in(bench, process) if process else program is not None:
                kind = service_kind(process.arguments if process else (), process_name)
                # RQ renames the process of a worker, so its configuration comes first.
                queues = served_queues([programs.get(program or "", "")])
                queues = queues or served_queues(process.arguments if process else ())
                yield Service(name, "supervisor", kind, RUNNING if pid else STOPPED, pid or None, queues)


def program_states(processes: Iterable[Process], run: CommandRunner, root: Path) -> dict[str, str]:
    """Return the state of every program that supervisor runs on the host, by name: RUNNING, FATAL and so on.

    Args:
        processes: Those of the host.
        run: Runs ``supervisorctl``.
        root: The folder that stands for ``/``.
    """
    daemons = [process for process in processes if process.is_program("supervisord")]
    return {
        line["name"]: line["state"]
        for daemon in daemons
        for line in _status_lines(daemon, _configuration_path(daemon, root), run)
    }


def program_commands(bench: Bench, processes: Iterable[Process], root: Path) -> dict[str, str]:
    """Return the command line of each program of the bench, by the program's name, as supervisor was told it.

    Args:
        bench: The bench.
        processes: Those of the host.
        root: The folder that stands for ``/``.
    """
    return {program.name: program.command for program in bench_programs(bench, processes, root)}


def bench_programs(bench: Bench, processes: Iterable[Process], root: Path) -> list[Program]:
    """Return what supervisor is told to run of a bench, under whichever configuration.

    Args:
        bench: The bench.
        processes: Those of the host.
        root: The folder that stands for ``/``.
    """
    daemons = [process for process in processes if process.is_program("supervisord")]
    configurations = [path for daemon in daemons if (path := _configuration_path(daemon, root)) is not None]
    return [program for path in configurations for program in _programs(bench, path)]


def control_commands(bench: Bench, processes: Iterable[Process], root: Path) -> list[list[str]]:
    """Return the command to which a client's action is added, for each supervisor daemon that is told to run the bench.

    Args:
        bench: The bench; another one of the host may have programs of the same names.
        processes: Those of the host.
        root: The folder that stands for ``/``.
    """
    daemons = [process for process in processes if process.is_program("supervisord")]
    found = [(daemon, _configuration_path(daemon, root)) for daemon in daemons]
    return [
        [*_control_program(daemon), *_options(configuration)]
        for daemon, configuration in found
        if configuration is not None and _bench_programs(bench, configuration)
    ]


def _options(configuration: Path | None) -> list[str]:
    return ["-c", str(configuration)] if configuration else []


def _configuration_path(daemon: Process, root: Path) -> Path | None:
    for position, argument in enumerate(daemon.arguments):
        if argument in {"-c", "--configuration"} and position + 1 < len(daemon.arguments):
            return (daemon.working_directory or root) / daemon.arguments[position + 1]
        if argument.startswith("--configuration="):
            return (daemon.working_directory or root) / argument.partition("=")[2]
    return next((root / path for path in _DEFAULT_CONFIGURATIONS if (root / path).is_file()), None)


def _status_lines(daemon: Process, configuration: Path | None, run: CommandRunner) -> list[re.Match[str]]:
    try:
        # The exit code tells of programs that do not run; a daemon that did not answer shows no line of a status.
        answer = run([*_control_program(daemon), *_options(configuration), "status"])
    except LifeboatError:
        return []
    return [match for match in map(_STATUS_LINE.match, answer.output.splitlines()) if match]


def _control_program(daemon: Process) -> list[str]:
    """Return the client that belongs to a daemon: of its own Python, beside its script, or else the one on PATH."""
    if daemon.module:
        return [daemon.arguments[0], "-m", "supervisor.supervisorctl"]
    beside = (Path(argument).with_name("supervisorctl") for argument in daemon.arguments[:2])
    return [next((str(path) for path in beside if path.is_file()), "supervisorctl")]


def _bench_programs(bench: Bench, configuration: Path) -> dict[str, str]:
    return {program.name: program.command for program in _programs(bench, configuration)}


def _programs(bench: Bench, configuration: Path) -> Iterator[Program]:
    """Yield the programs of a configuration, with what it includes, that live in the bench."""
    main = _read(configuration)
    patterns = main.get("include", "files", fallback="").replace("%(here)s", str(configuration.parent)).split()
    included = (path for pattern in patterns for path in _expand(configuration.parent, pattern))
    for path, parser in ((configuration, main), *((path, _read(path)) for path in included)):
        for section in parser.sections():
            directory, command = (
                parser.get(section, option, fallback="").replace("%(here)s", str(path.parent))
                for option in ("directory", "command")
            )
            if section.startswith("program:") and (is_inside(bench, Path(directory)) or names_bench(bench, [command])):
                yield Program(section.partition(":")[2], command, path)


def _read(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";",))
    try:
        parser.read(path)
    except (configparser.Error, OSError, UnicodeDecodeError):
        return configparser.RawConfigParser()
    return parser


def _expand(folder: Path, pattern: str) -> Iterator[Path]:
    if pattern.startswith("/"):
        return Path("/").glob(pattern.lstrip("/"))
    return folder.glob(pattern)


def _program_of(process_name: str, programs: Mapping[str, str]) -> str | None:
    # bench names the processes of a program with a number after it: frappe-bench-frappe-short-worker-0.
    names = (re.sub(r"[-_:]\d+$", "", process_name), process_name)
    return next((name for name in names if name in programs), None)
