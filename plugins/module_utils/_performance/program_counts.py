"""The numbers of workers in supervisor's configuration of a bench: reading them, and writing other ones. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SECTION = re.compile(r"^\[program:(?P<name>[^\]\n]+)\]$(?P<body>.*?)(?=^\[|\Z)", re.MULTILINE | re.DOTALL)
# What comes before gunicorn's number of workers in a command line, as bench writes it and as people do.
WEB_OPTION = r"\s(?:-w\s*|--workers[ =])"
_WEB_COUNT = re.compile(rf"(?P<lead>^command\s*=.*?{WEB_OPTION})(?P<count>\d+)", re.MULTILINE)
_PROCESSES = re.compile(r"(?P<lead>^numprocs\s*=\s*)(?P<count>\d+)", re.MULTILINE)


def program_counts(text: str) -> dict[str, int]:
    """Return the number of workers of each program of a configuration that says one: gunicorn's, or its processes'.

    Args:
        text: The configuration.
    """
    found = {}
    for section in _SECTION.finditer(text):
        count = _pattern(section["body"]).search(section["body"])
        if count:
            found[section["name"]] = int(count["count"])
    return found


def with_program_counts(text: str, counts: Mapping[str, int]) -> str:
    """Return a configuration with other numbers of workers; nothing else of it is changed.

    Args:
        text: The configuration.
        counts: The numbers, by program.
    """

    def changed(section: re.Match[str]) -> str:
        if section["name"] not in counts:
            return section[0]
        number = str(counts[section["name"]])
        body = _pattern(section["body"]).sub(lambda count: count["lead"] + number, section["body"])
        return section[0][: len(section[0]) - len(section["body"])] + body

    return _SECTION.sub(changed, text)


def _pattern(body: str) -> re.Pattern[str]:
    return _WEB_COUNT if "gunicorn" in body else _PROCESSES
