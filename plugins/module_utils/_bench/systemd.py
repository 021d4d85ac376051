"""What systemd runs of a bench: units of the system, and of the account that the bench belongs to."""

from __future__ import annotations

import pwd
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .._system.commands import CommandRunner
from .._system.errors import LifeboatError
from .layout import Bench
from .processes import Process
from .service import RUNNING, STOPPED, Service, is_inside, names_bench, runs_in, served_queues, service_kind

_SHOW = ("show", "--property=Id,MainPID,WorkingDirectory,ExecStart", "*.service")


def systemd_services(
    bench: Bench, processes: Mapping[int, Process], run: CommandRunner, root: Path
) -> Iterator[Service]:
    """Yield the bench's units; a host without systemd, or a manager that does not answer, has none."""
    if (root / "run/systemd/system").is_dir():
        yield from _services_of(bench, processes, run, "systemd", ())
    user_id = bench.owner[0]
    if (root / f"run/user/{user_id}/systemd").is_dir():
        yield from _services_of(bench, processes, run, "systemd-user", user_options(bench))


def user_options(bench: Bench) -> tuple[str, str]:
    """Return the options with which systemctl asks the manager of the account that a bench belongs to."""
    return "--user", f"--machine={_user_name(bench.owner[0])}@.host"


def _services_of(
    bench: Bench, processes: Mapping[int, Process], run: CommandRunner, manager: str, options: Sequence[str]
) -> Iterator[Service]:
    try:
        answer = run(["systemctl", *options, *_SHOW])
    except LifeboatError:
        return
    for block in answer.output.split("\n\n"):
        unit = dict(line.partition("=")[::2] for line in block.splitlines())
        pid = int(unit.get("MainPID") or 0)
        process = processes.get(pid)
        # ExecStart={ path=/usr/bin/x ; argv[]=/usr/bin/x --option /a/path ; ... }
        command = unit.get("ExecStart", "").partition("argv[]=")[2].partition(" ; ")[0].split()
        if (
            is_inside(bench, Path(unit.get("WorkingDirectory", "")))
            or names_bench(bench, command)
            or (process is not None and runs_in(bench, process))
        ):
            kind = service_kind(process.arguments if process else command, unit["Id"])
            queues = served_queues(command)
            yield Service(unit["Id"], manager, kind, RUNNING if pid else STOPPED, pid or None, queues)


def _user_name(user_id: int) -> str:
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return str(user_id)
