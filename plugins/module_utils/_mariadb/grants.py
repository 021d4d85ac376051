"""What an account may do beyond its own database, read from the lines of ``SHOW GRANTS``. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_NAME = r"(?:\*|`(?:[^`]|``)+`)"
_GRANT = re.compile(
    r"GRANT (?P<privileges>.+?) ON (?:(?:TABLE|FUNCTION|PROCEDURE|PACKAGE BODY|PACKAGE) )?"
    rf"(?P<database>{_NAME})\.(?P<object>{_NAME}) TO "
)
_ROLE = re.compile(r"GRANT (?P<role>`(?:[^`]|``)+`) TO ")
_PROXY = "GRANT PROXY "
_ALL = "*"


@dataclass(frozen=True)
class Grant:
    """Privileges on an object; ``database`` is a pattern where the grant is of a whole database."""

    privileges: str
    database: str
    object: str

    @property
    def text(self) -> str:
        """Write it for people."""
        return f"{self.privileges} on {self.database}.{self.object}"


def grants_beyond(lines: Iterable[str], database: str, visible_databases: Iterable[str]) -> list[str]:
    r"""Return what an account may do outside of its own database, each in words without any secret.

    In the name of a granted database ``_`` and ``%`` are wildcards where no backslash precedes them. ``bench`` grants
    `` `_abc`.* `` without one: that is reported only where a database exists that it happens to open.

    Args:
        lines: What ``SHOW GRANTS`` says for the account. The lines hold its password's hash.
        database: Its own database.
        visible_databases: What ``SHOW DATABASES`` says to the account.
    """
    visible = [name for name in visible_databases if name != database]
    beyond: list[str] = []
    for line in lines:
        match = _GRANT.match(line)
        role = _ROLE.match(line)
        if line.startswith(_PROXY):
            beyond.append("log in as another account (PROXY)")
        elif match:
            grant = Grant(match["privileges"], _unquoted(match["database"]), _unquoted(match["object"]))
            beyond.extend(_reach(grant, database, visible))
        elif role:
            beyond.append(f"the role {_unquoted(role['role'])}")
    return beyond


def global_privileges(lines: Iterable[str]) -> set[str]:
    """Return what an account may do on the whole server, in capital letters; the lines are those of ``SHOW GRANTS``."""
    matches = filter(None, map(_GRANT.match, lines))
    everywhere = [match["privileges"] for match in matches if match["database"] == match["object"] == _ALL]
    return {name.strip().upper() for privileges in everywhere for name in privileges.split(",")}


def _reach(grant: Grant, database: str, visible: list[str]) -> Iterator[str]:
    if grant.database == _ALL:
        if grant.privileges != "USAGE":
            yield grant.text
    elif grant.object != _ALL:
        if grant.database != database:  # a grant of one table has no wildcards
            yield grant.text
    elif _is_pattern_for_all(grant.database) or not _pattern(grant.database).fullmatch(database):
        yield grant.text
    else:
        reached = [name for name in visible if _pattern(grant.database).fullmatch(name)]
        yield from (f"{grant.privileges} on {name} ({grant.database} has a wildcard)" for name in reached)


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def _pattern(name: str) -> re.Pattern[str]:
    wildcards = {"_": ".", "%": ".*"}
    parts = re.findall(r"\\?.", name)
    return re.compile("".join(wildcards.get(part) or re.escape(part[-1]) for part in parts))


def _is_pattern_for_all(name: str) -> bool:
    return "%" in re.findall(r"\\?.", name)
