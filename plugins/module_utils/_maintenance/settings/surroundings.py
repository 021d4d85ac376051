"""Where the server runs whose settings are meant, and where its file of options is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..._bench.processes import Process
from ..._checks.targets.bench import BenchTarget
from ..._checks.targets.database_server import DatabaseServer
from ..._checks.targets.host import Host
from ..._checks.targets.redis_instance import RedisInstance
from ..._checks.targets.target import Target
from ..._system.commands import CommandRunner
from ..._system.errors import LifeboatError
from .host_memory import BenchesOfHost
from .measuring import server_process
from .option_files import Place, ServerProgram, find_place, is_in_container, server_program
from .variables import refused

# Where the server's process cannot be seen, the usual program says what it makes of a file.
USUAL_PROGRAM = ServerProgram("mariadbd", (), ())


@dataclass(frozen=True)
class ServerAtHand:
    """A server, what runs beside it, and where its options are.

    Attributes:
        server: The server.
        benches: What runs on this host.
        process: The server's process; None where it runs elsewhere or cannot be seen.
        program: Its program.
        place: Its file of options.
        run: Runs the program.
    """

    server: DatabaseServer
    benches: BenchesOfHost
    process: Process | None
    program: ServerProgram
    place: Place
    run: CommandRunner


def find_server(targets: Sequence[Target]) -> tuple[DatabaseServer, BenchesOfHost]:
    """Find the one server that is meant, and what runs beside it, among everything that was found on the host.

    Raises:
        LifeboatError: ``settings_refused`` where there is no server, or more than one.
    """
    servers = [target for target in targets if isinstance(target, DatabaseServer)]
    if len(servers) != 1:
        names = ", ".join(server.name for server in servers) or "none"
        raise refused(
            f"the settings of one server at a time are looked at, and found were: {names}. Name one with bench_path, "
            "login_host or login_unix_socket"
        )
    (host,) = (target for target in targets if isinstance(target, Host))
    benches = tuple(target for target in targets if isinstance(target, BenchTarget))
    redis = tuple(target for target in targets if isinstance(target, RedisInstance))
    return servers[0], BenchesOfHost(host, benches, redis)


def at_hand(
    server: DatabaseServer, benches: BenchesOfHost, run: CommandRunner, drop_in_path: Path | None
) -> ServerAtHand:
    """Look for the server's process, its program and the place of its file of options.

    Args:
        server: The server.
        benches: What runs on this host.
        run: Runs the server's program.
        drop_in_path: The file of options that was named; None where it is to be found.

    Raises:
        UnmeasurableError: The server does not tell where its process is.
    """
    process = server_process(server, benches.host)
    program = server_program(benches.host, process) if process else USUAL_PROGRAM
    place = Place(drop_in_path) if drop_in_path else _find_place(benches.host, process, program, run)
    return ServerAtHand(server, benches, process, program, place, run)


def _find_place(host: Host, process: Process | None, program: ServerProgram, run: CommandRunner) -> Place:
    if process is None:
        return Place(None, "the server does not run on this host, or its process cannot be seen")
    if is_in_container(host, process):
        return Place(None, "the server runs in a container of its own")
    try:
        return find_place(program, run)
    except LifeboatError as error:
        return Place(None, error.message)
