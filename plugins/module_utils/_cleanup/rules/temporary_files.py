"""Old files in /tmp and /var/tmp, by systemd-tmpfiles and by the ages that it was told."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..._bench.layout import ROOT
from ..._system.errors import LifeboatError
from ..._system.files import write_atomically
from ..._system.quantities import DAY_SECONDS, HOUR_SECONDS, MINUTE_SECONDS
from ..by_program import run_program, sizes_of, task_of
from ..open_files import open_files
from ..tasks import Planned, Refusal, Task, TaskContext, TaskOutcome, TaskRule

ID = "temporary_files"
PROGRAM = "systemd-tmpfiles"
FOLDERS = ("/tmp", "/var/tmp")  # noqa: S108 (looked at; what is in them is for others to write)
DRY_RUN = "--dry-run"  # since systemd 256
# All is done, but for lines that it cannot read, of whichever package (systemd-tmpfiles(8)).
ACCEPTED = (0, os.EX_DATAERR)
# What says that a folder is emptied by age, and what says that something in it stays (tmpfiles.d(5)).
AGED, KEPT = "dDevqQC", "xX"
UNITS = {"s": 1, "m": MINUTE_SECONDS, "h": HOUR_SECONDS, "d": DAY_SECONDS, "w": 7 * DAY_SECONDS}
# Where files are named that processes have open: systemd-tmpfiles does not look for those.
OPEN_FILES_PATH = "run/tmpfiles.d/lifeboat-open-files.conf"
_WOULD_REMOVE = re.compile(r'^Would remove "(?P<path>.+)"$', re.MULTILINE)
_LINE = re.compile(
    r"^(?P<kind>[A-Za-z])[^\s#]*[ \t]+(?P<path>\S+)(?:(?:[ \t]+\S+){3}[ \t]+(?P<age>\S+))?", re.MULTILINE
)
_AGE = re.compile(r"(?P<number>\d+)(?P<unit>[smhdw])(?:ec|in)?")
_SPECIFIER = re.compile(r"%.")


def _settings(values: Mapping[str, Any]) -> None:
    if values:
        raise ValueError("it takes nothing: the ages are those of the files in tmpfiles.d")


@dataclass(frozen=True)
class Age:
    """After how many seconds a file goes, and of which of its times: a (read), c (its inode changed), m (changed)."""

    seconds: int
    times: str = "acm"


def ages_of(configuration: str) -> dict[str, Age]:
    """Return after which time a file goes, for each folder below ours that is emptied by age. Pure.

    Args:
        configuration: What ``systemd-tmpfiles --cat-config`` printed. An age that cannot be read is left out.
    """
    ages: dict[str, Age] = {}
    for kind, path, text in _lines(configuration):
        times, _colon, age = text.rpartition(":")
        found = list(_AGE.finditer(age))
        if kind in AGED and _is_ours(path) and found:
            seconds = sum(int(match["number"]) * UNITS[match["unit"]] for match in found)
            if path not in ages or seconds < ages[path].seconds:
                ages[path] = Age(seconds, "".join(time for time in Age.times if time in (times or Age.times)))
    return ages


def kept_patterns(configuration: str) -> list[str]:
    """Return the shell patterns of what stays whatever its age. Pure; arguments as those of ``ages_of``."""
    return [_SPECIFIER.sub("*", path) for kind, path, _age in _lines(configuration) if kind in KEPT]


def is_kept(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether a path, or a folder on the way to it, is one of those that stay. Pure."""
    parts = [path, *map(str, Path(path).parents)]
    return any(fnmatchcase(part, pattern) for pattern in patterns for part in parts)


def exclusion_of(path: str) -> str:
    """Return the line that keeps a file. Pure; what has a meaning in such a line may be any character."""
    return f"x {re.sub(r'[^A-Za-z0-9_./-]', '?', path)}\n"


def _lines(configuration: str) -> Iterator[tuple[str, str, str]]:
    for match in _LINE.finditer(configuration):
        yield match["kind"], match["path"].strip('"').rstrip("/"), match["age"] or ""


def _is_ours(path: str) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in FOLDERS)


def _candidates(context: TaskContext) -> tuple[dict[str, Age], list[Path]]:
    """Return the ages, and the old files; without a dry run all that are as old, of which it may take fewer."""
    configuration = _output(context, "--cat-config")
    ages = ages_of(configuration)
    if DRY_RUN in _output(context, "--help"):
        result = context.run(_command(context, "--clean", DRY_RUN))
        paths = [Path(match["path"]) for match in _WOULD_REMOVE.finditer(result.output + result.error_output)]
        return ages, [path for path in paths if _is_ours(str(_inside(context, path)))]
    patterns = kept_patterns(configuration)
    old = {path for folder, age in ages.items() for path in _old_files(context, folder, age)}
    return ages, [path for path in sorted(old) if not is_kept(str(_inside(context, path)), patterns)]


def _old_files(context: TaskContext, folder: str, age: Age) -> Iterator[Path]:
    top = context.root / folder.lstrip("/")
    device = top.stat().st_dev if top.is_dir() else None
    for parent, folders, names in os.walk(top):
        folders[:] = [name for name in folders if _status(Path(parent, name)).st_dev == device]
        for path in (Path(parent, name) for name in names):
            status = _status(path)
            if all(getattr(status, f"st_{time}time") < context.now - age.seconds for time in age.times):
                yield path


def _status(path: Path) -> os.stat_result:
    """Return what a path is; of one that has gone meanwhile what its folder is, which that has just changed."""
    try:
        return path.lstat()
    except FileNotFoundError:
        return path.parent.stat()


def _sizes(context: TaskContext, opened: Collection[tuple[int, int]]) -> list[int]:
    _ages, paths = _candidates(context)
    return sizes_of(path for path in paths if not _is_open(path, opened))


def _plan(context: TaskContext, _nothing: None) -> Iterator[Planned]:
    try:
        ages, paths = _candidates(context)
    except LifeboatError as error:
        yield Refusal(ID, "temporary files", error.error_code, error.message)
        return
    opened = open_files()
    sizes = sizes_of(path for path in paths if not _is_open(path, opened))
    reason = "not used for as long as tmpfiles.d says: " + ", ".join(
        f"{folder} {age.seconds / DAY_SECONDS:g} days" for folder, age in sorted(ages.items())
    )
    age_seconds = min((age.seconds for age in ages.values()), default=0)
    yield from task_of(ID, "temporary files", sizes, age_seconds, reason, context.root / FOLDERS[0].lstrip("/"))


def _apply(context: TaskContext, task: Task, _deadline: float) -> TaskOutcome:
    opened = open_files()
    with _kept_while_open(context, opened):
        command = _command(context, "--clean")
        return run_program(context, task, [command], lambda: _sizes(context, opened), ACCEPTED)


@contextmanager
def _kept_while_open(context: TaskContext, opened: Collection[tuple[int, int]]) -> Iterator[None]:
    """Tell systemd-tmpfiles of the files that processes have open, until it is done."""
    _ages, paths = _candidates(context)
    lines = [exclusion_of(str(_inside(context, path))) for path in paths if _is_open(path, opened)]
    path = context.root / OPEN_FILES_PATH
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, "".join(lines).encode(), mode=0o644)
    try:
        yield
    finally:
        path.unlink()


def _is_open(path: Path, opened: Collection[tuple[int, int]]) -> bool:
    status = _status(path)
    return (status.st_dev, status.st_ino) in opened


def _inside(context: TaskContext, path: Path) -> Path:
    return Path("/") / path.relative_to(context.root)


def _command(context: TaskContext, *arguments: str) -> tuple[str, ...]:
    root = [] if context.root == ROOT else [f"--root={context.root}"]
    return (PROGRAM, *root, *(f"--prefix={folder}" for folder in FOLDERS), *arguments)


def _output(context: TaskContext, argument: str) -> str:
    result = context.run(_command(context, argument))
    if result.exit_code not in ACCEPTED:
        raise LifeboatError(
            f"Cannot clean up temporary files: {PROGRAM} ended with {result.exit_code}. Run {PROGRAM} {argument} by "
            "hand and see what it says.",
            "command_failed",
        )
    return result.output


TEMPORARY_FILES = TaskRule(
    id=ID,
    noun="file",
    title="old files in /tmp and /var/tmp",
    never_touches="what a process has open or has locked, sockets that are listened to, what tmpfiles.d excludes; "
    "anything where systemd-tmpfiles is not installed",
    settings=_settings,
    plan=_plan,
    apply=_apply,
)
