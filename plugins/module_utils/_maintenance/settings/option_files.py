"""Where a server on this host reads its options from, and what it makes of a file of options."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..._bench.processes import Process
from ..._checks.targets.host import Host
from ..._system.commands import CommandResult, CommandRunner
from ..._system.errors import LifeboatError
from .file_errors import writing
from .variables import VARIABLES, refused

DROP_IN_NAME = "90-lifeboat.cnf"
NO_DEFAULTS = "--no-defaults"
_FILES_LINE = "Default options are read from the following files in the given order:"
_INCLUDE = re.compile(r"!(?P<kind>includedir|include)\s+(?P<path>.+)")
_COMPLAINT = re.compile(r"\[ERROR\] (?P<text>.*)|\[Warning\] (?P<warning>.*(?:adjusted to|ignoring option).*)")
_OPTION = re.compile(r"--(?P<name>[\w-]+)=(?P<value>\S*)")
# A file that includes itself must not keep us for ever; the server stops at ten as well.
DEEPEST_INCLUDE = 10


@dataclass(frozen=True)
class ServerProgram:
    """The program that runs, and how it was told where its options are.

    Attributes:
        path: The program's file.
        defaults: The options that name files of options; the server takes them only before all others.
        arguments: All other options of its command line, which come after those of every file.
    """

    path: str
    defaults: tuple[str, ...]
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where the file of options goes: its path, or None and the reason why there is none."""

    path: Path | None
    reason: str = ""


def server_program(host: Host, process: Process) -> ServerProgram:
    """Return the program of a process; where an upgrade replaced its file, the new one is at the same place."""
    try:
        path = str(host.path(f"/proc/{process.pid}/exe").readlink()).replace(" (deleted)", "")
    except OSError:  # root in a container may not look at processes of other accounts
        path = process.arguments[0]
    defaults = tuple(argument for argument in process.arguments[1:] if _names_files(argument))
    others = tuple(argument for argument in process.arguments[1:] if not _names_files(argument))
    return ServerProgram(path, defaults, others)


def is_in_container(host: Host, process: Process) -> bool:
    """Tell whether a process sees other files than this host does, as in a container of its own.

    Who may not look at it is root in a container, where no processes of other ones are seen.
    """
    try:
        return not host.path(f"/proc/{process.pid}/root").samefile(host.path("/"))
    except OSError:
        return False


def find_place(program: ServerProgram, run: CommandRunner) -> Place:
    """Find the folder whose files the server reads last: what is in there wins over what was read before.

    Args:
        program: The server's program.
        run: Runs it, to ask for its files of options.
    """
    if NO_DEFAULTS in program.defaults:
        return Place(None, f"the server was started with {NO_DEFAULTS}: it reads no file of options")
    lines = _help(program.path, program.defaults, run).output.splitlines()
    files = lines[lines.index(_FILES_LINE) + 1].split() if _FILES_LINE in lines else []
    folders = [folder for file in files if not file.startswith("~") for folder in _folders(Path(file), DEEPEST_INCLUDE)]
    if not folders:
        return Place(None, f"none of the server's files of options ({', '.join(files) or 'none'}) includes a folder")
    return Place(folders[-1] / DROP_IN_NAME)


def require_understood(program: ServerProgram, text: str, run: CommandRunner) -> None:
    """Let the server's own program read a file of options before the server ever sees it.

    Raises:
        LifeboatError: ``settings_refused`` with its complaint.
    """
    with _scratch_folder() as folder:
        candidate = folder / DROP_IN_NAME
        candidate.write_text(text)
        result = _help(program.path, [f"--defaults-file={candidate}"], run)
    complaints = list(filter(None, map(_complaint, result.error_output.splitlines())))
    if result.exit_code or complaints:
        reason = complaints[0] if complaints else f"it ended with exit code {result.exit_code}"
        raise refused(f"{Path(program.path).name} does not understand the file: {reason}")


def overridden(program: ServerProgram, values: Mapping[str, str], run: CommandRunner) -> dict[str, str]:
    """Return which of the file's values the server will not have after its next start, each with the reason.

    Args:
        program: The server's program.
        values: The values of the file, which is in its place.
        run: Runs the program, to ask for the options of all files in their order.
    """
    from_files = dict(_options(run([program.path, *program.defaults, "--print-defaults"]).output))
    from_command_line = dict(_options("\n".join(program.arguments)))
    found: dict[str, str] = {}
    for name, value in values.items():
        if name in from_command_line and not _is_same(name, from_command_line[name], value):
            found[name] = "the command line of the server sets it again"
        elif name not in from_files:
            found[name] = "the server does not read this file"
        elif not _is_same(name, from_files[name], value):
            found[name] = "a file of options that is read later sets it again"
    return found


def _help(path: str, defaults: Sequence[str], run: CommandRunner) -> CommandResult:
    """Let a server's program tell about its options, which changes nothing, in a data directory of its own.

    There it would try whether names of files are told apart by their case, with a file that it makes and removes.
    """
    with _scratch_folder() as folder:
        return run([path, *defaults, f"--datadir={folder}", "--help", "--verbose"])


@contextmanager
def _scratch_folder() -> Iterator[Path]:
    with writing(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory(prefix="lifeboat-settings-") as folder:
        yield Path(folder)


def _names_files(argument: str) -> bool:
    return argument.startswith(("--defaults-", NO_DEFAULTS))


def _folders(file: Path, depth: int) -> Iterator[Path]:
    """Yield the folders that a file of options includes, in the order in which the server reads them."""
    try:
        lines = file.read_text(errors="replace").splitlines() if depth else []
    except OSError:
        return
    for match in filter(None, (_INCLUDE.fullmatch(line.strip()) for line in lines)):
        path = Path(match["path"].strip())
        if match["kind"] == "include":
            yield from _folders(path, depth - 1)
        elif path.is_dir():
            yield path


def _complaint(line: str) -> str:
    match = _COMPLAINT.search(line)
    return (match["text"] or match["warning"] or "") if match else ""


def _options(text: str) -> Iterator[tuple[str, str]]:
    for match in _OPTION.finditer(text):
        yield match["name"].lower().replace("-", "_"), match["value"]


def _is_same(name: str, text: str, value: str) -> bool:
    try:
        return VARIABLES[name].value(text) == value
    except LifeboatError:
        return False
