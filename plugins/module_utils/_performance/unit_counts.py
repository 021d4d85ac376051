"""The numbers of workers in the files of systemd's units, as bench lays them out: reading and writing them. Pure.

The web server's unit has its number in the command line. Of each group of the queues there is a template, whose
instances 1 to N a target names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .program_counts import WEB_OPTION

_LONG_LINE = r"(?:.|\\\n)*?"
_WEB_COUNT = re.compile(rf"(?P<lead>^ExecStart[ \t]*={_LONG_LINE}gunicorn{_LONG_LINE}{WEB_OPTION})(?P<count>\d+)", re.M)
_DEPENDENCIES = re.compile(r"^(?:Wants|Requires)[ \t]*=(?:.*\\\n)*.*$", re.M)
_INSTANCE = re.compile(r"(?P<space>(?:\s|\\\n)*)(?P<template>[^\s=\\@]+@)(?P<number>\d+)(?P<suffix>\.service)(?!\S)")


def template_of(unit: str) -> tuple[str, int] | None:
    """Return the template and the number of an instance of it; None for a unit that is no numbered instance.

    Args:
        unit: The name of the unit: ``x-worker@2.service`` is number 2 of ``x-worker@.service``.
    """
    found = _INSTANCE.fullmatch(unit)
    return (found["template"] + found["suffix"], int(found["number"])) if found else None


def instance_name(template: str, number: int) -> str:
    """Return the name of an instance.

    Args:
        template: The template, as ``template_of`` returned it.
        number: Its number.
    """
    return template.replace("@", f"@{number}")


def web_count(text: str) -> int | None:
    """Return how many workers gunicorn is started with; None where the unit does not say.

    Args:
        text: The file of a unit.
    """
    found = _WEB_COUNT.search(text)
    return int(found["count"]) if found else None


def with_web_count(text: str, count: int) -> str:
    """Return the file of a unit that starts gunicorn with another number of workers; nothing else of it is changed.

    Args:
        text: The file.
        count: The number.
    """
    return _WEB_COUNT.sub(lambda found: found["lead"] + str(count), text)


def instance_counts(text: str) -> dict[str, int]:
    """Return how many instances of each template a target brings up; only of those that are numbered from 1 on.

    Args:
        text: The file of a target.
    """
    numbers: dict[str, set[int]] = {}
    for line in _DEPENDENCIES.finditer(text):
        for found in _INSTANCE.finditer(line[0].partition("=")[2]):
            numbers.setdefault(found["template"] + found["suffix"], set()).add(int(found["number"]))
    return {name: len(each) for name, each in numbers.items() if each == set(range(1, len(each) + 1))}


def with_instance_counts(text: str, counts: Mapping[str, int]) -> str:
    """Return the file of a target that brings up other numbers of instances; nothing else of it is changed.

    Args:
        text: The file.
        counts: The numbers, at least 1, by template. A template that the file does not name is not added.
    """
    written: set[str] = set()

    def changed(found: re.Match[str]) -> str:
        template = found["template"] + found["suffix"]
        if template not in counts:
            return found[0]
        if template in written:
            return ""
        written.add(template)
        return str(found["space"]) + " ".join(instance_name(template, 1 + each) for each in range(counts[template]))

    def line_changed(line: re.Match[str]) -> str:
        lead, equals, units = line[0].partition("=")
        return lead + equals + _INSTANCE.sub(changed, units)

    return _DEPENDENCIES.sub(line_changed, text)
