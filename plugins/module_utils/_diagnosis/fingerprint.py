"""What makes two errors the same one: the exception, and where in the apps it was raised. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from .masking import mask_message

# The innermost frames within apps say where; those further out say only who asked.
FRAMES = 3
TITLE_CHARACTERS = 160
SAMPLE_CHARACTERS = 600
_DIGITS = 16
_FRAME = re.compile(r"^\s+File \"(?P<path>[^\"]{1,400})\", line \d+, in (?P<function>\S{1,200})", re.MULTILINE)
_APP_PATH = re.compile(r"(?:^|/)apps/(?P<path>.{1,300})$")
_EXCEPTION = re.compile(r"^(?P<name>(?:[A-Za-z_]\w{0,80}\.){0,8}[A-Z]\w{0,80})(?:: (?P<message>.{0,2000}).*)?$")
_NUMBER = re.compile(r"\A\(?(?P<number>\d{3,5}), ")
# What stands before the message in a line of a log: its time, process, level.
_PREFIX = re.compile(
    r"\A(?:\[?\d{4}[-/]\d\d[-/]\d\d[ T][\d:.,]{5,15}(?: ?[+-]\d\d:?\d\d|Z)?\]?|\d\d:\d\d:\d\d"
    r"|\d+:[A-Z] .{20,24}|kernel:)"
    r"(?:\s{1,3}(?:\[[^\]\s]{1,40}\]|[A-Z]{4,8}\b|\d+#\d+:|\d{1,9}\b|\*\d+|[#*-]))*\s*"
)
_NORMALISED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.I), "ID"),
    (re.compile(r"\b(?=\w{0,40}\d)[0-9a-f]{8,64}\b", re.I), "ID"),
    (re.compile(r"\b[A-Z][A-Z-]{1,20}-[\w-]{0,20}\d{2,12}\b"), "NAME"),
    (re.compile(r"\d+(?:[.:,]\d+)*"), "N"),
)


@dataclass(frozen=True)
class Fingerprint:
    """What names an error.

    Attributes:
        id: A stable short name.
        exception: The class of the exception; empty where a log tells no more than a line.
        title: The exception and its message, masked, on one line.
        frames: Where it was raised, the innermost first: ``erpnext/accounts/party.py in get_party``.
    """

    id: str
    exception: str
    title: str
    frames: tuple[str, ...]


def fingerprint_of(text: str) -> Fingerprint:
    """Work out which error a text tells of: without times, numbers, ids and values.

    Args:
        text: A traceback with what stood around it, or a line of a log.
    """
    exception, message = _exception_of(text)
    frames = _frames_of(text)
    shown = mask_message(message)
    title = _cut(" ".join(f"{exception}: {shown}".split()) if exception else shown, TITLE_CHARACTERS)
    number = _NUMBER.match(message)
    # With a place in the code the words of the message may differ, as they name the document.
    kept = f"({number['number']})" if number else ("" if frames and exception else _normalised(shown))
    key = "\n".join((exception, kept, *frames))
    return Fingerprint(hashlib.sha256(key.encode(errors="replace")).hexdigest()[:_DIGITS], exception, title, frames)


def sample_of(text: str) -> str:
    """Return what may be shown of an error's text: the last lines of a traceback without its code, or the line."""
    if not _FRAME.search(text):
        return _cut(mask_message(text.strip()), SAMPLE_CHARACTERS)
    places = [f"{_short_path(found['path'])} in {found['function']}" for found in _FRAME.finditer(text)]
    exception, message = _exception_of(text)
    return _cut("\n".join([*places[-FRAMES:], f"{exception}: {mask_message(message)}"]), SAMPLE_CHARACTERS)


def _exception_of(text: str) -> tuple[str, str]:
    """Return the class and the message of the last exception, else nothing and the first line without its prefix."""
    for line in reversed(text.splitlines()):
        found = _EXCEPTION.match(line.strip())
        if found and (found["message"] is not None or "." in found["name"] or found["name"].endswith("Error")):
            return found["name"], (found["message"] or "").strip()
    first = next((line for line in text.splitlines() if line.strip()), "")
    return "", _PREFIX.sub("", first, count=1).strip()


def _frames_of(text: str) -> tuple[str, ...]:
    places = [
        f"{path['path']} in {found['function']}"
        for found in _FRAME.finditer(text)
        if (path := _APP_PATH.search(found["path"]))
    ]
    return tuple(reversed(places[-FRAMES:]))


def _short_path(path: str) -> str:
    app = _APP_PATH.search(path)
    return app["path"] if app else "/".join(path.split("/")[-3:])


def _normalised(message: str) -> str:
    for pattern, replacement in _NORMALISED:
        message = pattern.sub(replacement, message)
    return " ".join(message.lower().split())


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
