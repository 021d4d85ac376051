"""The file of options that keeps the settings: written with its reasons, and read again, also after a person edited it.

Pure. What it may hold is known line by line: anything else is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .advice import Advice
from .load import rounded
from .variables import VARIABLES, refused

SECTIONS = ("mariadbd", "mysqld")
_HOST = re.compile(r"^# host: (?P<host>\S+)\s*$", re.MULTILINE)
_SECTION = re.compile(r"\[(?P<name>[^\]]*)\]")
_SETTING = re.compile(r"(?P<name>[A-Za-z][\w-]*)\s*=\s*(?P<value>\w+)\s*(?:#.*)?", re.ASCII)


@dataclass(frozen=True)
class Setting:
    """One setting of the file: its value in the one way of ``Variable.value``, and the comments right above it."""

    name: str
    value: str
    comments: tuple[str, ...] = ()


@dataclass(frozen=True)
class DropIn:
    """A file of options."""

    text: str
    settings: tuple[Setting, ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """The values by the names of their variables."""
        return {setting.name: setting.value for setting in self.settings}

    @property
    def sha256(self) -> str:
        """By what the file is known."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_drop_in(text: str, name: str = "the file") -> DropIn:
    """Read a file of options.

    Args:
        text: What is in it.
        name: How people know it.

    Raises:
        LifeboatError: ``settings_refused`` at the first line that is none of those that the file may have.
    """
    settings: dict[str, Setting] = {}
    comments: list[str] = []
    section = ""
    # As the server does it: str.splitlines knows more ends of a line.
    for number, line in enumerate((line.strip() for line in text.split("\n")), 1):
        place = f"line {number} of {name}"
        if line.startswith(("#", ";")):
            comments.append(line)
        elif not line:
            comments = []
        elif match := _SECTION.fullmatch(line):
            section, comments = _known_section(match["name"], place), []
        else:
            setting = _setting(line, place, section, comments)
            if setting.name in settings:
                raise refused(f"{place} sets {setting.name} again")
            settings[setting.name], comments = setting, []
    return DropIn(text, tuple(settings.values()))


def read_reviewed(text: str, sha256: str, host: str) -> DropIn:
    """Read the file that a person has reviewed.

    Args:
        text: What is in it.
        sha256: By what the person knows it.
        host: The host of the server; a file that says that it is for another one is refused.

    Raises:
        LifeboatError: ``settings_refused``.
    """
    drop_in = DropIn(text)
    if drop_in.sha256 != sha256.lower():
        raise refused(f"the sha256 of the file is {drop_in.sha256}, not {sha256}: it is not the one that was reviewed")
    said = _HOST.search(text)
    if said and said["host"] != host:
        raise refused(f"the file is for {said['host']}, and this is {host}")
    return read_drop_in(text)


def propose(present: DropIn, advised: Iterable[Advice], dynamic: Mapping[str, bool], host: str, version: str) -> DropIn:
    """Return the file with what is advised; the present one, letter by letter, where nothing new is.

    Args:
        present: The file as it is now, empty where there is none.
        advised: All advice.
        dynamic: Which variables can be set while the server runs.
        host: The host of the server.
        version: The server's version.
    """
    changes = {
        advice.variable: Setting(
            advice.variable,
            VARIABLES[advice.variable].value(advice.advised),
            tuple(_comments(advice, dynamic.get(advice.variable, False))),
        )
        for advice in advised
        if advice.is_change
    }
    if not changes:
        return present
    kept = [setting for setting in present.settings if setting.name not in changes]
    settings = (*kept, *changes.values())
    blocks = [
        f"# Settings for MariaDB {version}, advised by lifeboat.frappe from the load that was measured.\n"
        f"# host: {host}\n"
        "# Only the variables below may be in this file; it is written again by lifeboat.frappe.maintain.\n"
        "[mariadbd]",
        *("\n".join([*setting.comments, _line(setting)]) for setting in settings),
    ]
    return DropIn("\n\n".join(blocks) + "\n", settings)


def _comments(advice: Advice, is_dynamic: bool) -> Iterator[str]:
    yield f"# {advice.subject}: was {VARIABLES[advice.variable].text(advice.now)}; {advice.why}"
    yield f"# formula: {advice.formula}"
    if advice.numbers:
        numbers = (f"{name} {value}" for name, value in rounded(advice.numbers).items() if value is not None)
        yield f"# numbers: {', '.join(numbers)}"
    yield f"# source: {advice.source}"
    yield "# takes effect at once" if is_dynamic else "# takes effect at the next restart"
    for caveat in advice.caveats:
        yield f"# note: {caveat}"


def _line(setting: Setting) -> str:
    return f"{setting.name} = {VARIABLES[setting.name].text(setting.value)}"


def _known_section(name: str, place: str) -> str:
    if name not in SECTIONS:
        raise refused(f"{place} begins the section [{name}]; only [mariadbd] and [mysqld] may be in it")
    return name


def _setting(line: str, place: str, section: str, comments: list[str]) -> Setting:
    match = _SETTING.fullmatch(line)
    name = match["name"].lower().replace("-", "_") if match else ""
    # The line is not quoted: somebody may have put a password there.
    if match is None or name not in VARIABLES:
        raise refused(f"{place} is no setting of a variable that may be in it ({', '.join(VARIABLES)})")
    if not section:
        raise refused(f"{place} stands before [mariadbd]")
    return Setting(name, VARIABLES[name].value(match["value"]), tuple(comments))
