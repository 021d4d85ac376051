"""The variables of a server that runs: which may be set, to what, and setting them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..._mariadb.connection import execute, fetch_all, server_errors
from ..._mariadb.grants import global_privileges
from ..._system.errors import LifeboatError
from .variables import SUPER, VARIABLES, Variable

if TYPE_CHECKING:
    from pymysql.connections import Connection

# From here on SUPER does not stand for the privileges that were split off it.
SPLIT_SINCE = (11, 0)


@dataclass(frozen=True)
class LiveVariable:
    """A variable as the running server has it; ``step`` is the smallest difference that it knows."""

    value: str
    is_dynamic: bool
    step: int = 1


def read_live(connection: Connection[Any]) -> dict[str, LiveVariable]:
    """Return those of ``VARIABLES`` that this server has.

    Raises:
        LifeboatError: As ``server_errors``.
    """
    with server_errors("read the variables of the server"):
        rows = fetch_all(
            connection,
            "SELECT LOWER(VARIABLE_NAME), GLOBAL_VALUE, READ_ONLY = 'NO', NUMERIC_BLOCK_SIZE"
            " FROM information_schema.SYSTEM_VARIABLES WHERE FIND_IN_SET(LOWER(VARIABLE_NAME), %s)",
            (",".join(VARIABLES),),
        )
    return {str(name): LiveVariable(str(value), bool(free), max(1, int(step or 1))) for name, value, free, step in rows}


def is_same(live: LiveVariable, name: str, value: str) -> bool:
    """Tell whether the server has a value, as near as it can have it."""
    if VARIABLES[name].choices:
        return VARIABLES[name].value(live.value) == value
    return abs(int(float(live.value)) - int(value)) < live.step


def require_privileges(connection: Connection[Any], version: str, names: Iterable[str]) -> None:
    """Stop before anything is changed where the account may not set one of the variables.

    Raises:
        LifeboatError: ``mariadb_access_denied`` with the statement that grants it.
    """
    with server_errors("read the account's own grants"):
        account = str(fetch_all(connection, "SELECT CURRENT_USER()")[0][0])
        granted = global_privileges(str(row[0]) for row in fetch_all(connection, "SHOW GRANTS"))
    is_split = tuple(map(int, re.findall(r"\d+", version)[:2])) >= SPLIT_SINCE
    missing = sorted({need for name in names if (need := _missing(VARIABLES[name], granted, is_split))})
    if missing:
        user, _at, host = account.rpartition("@")
        raise LifeboatError(
            f"Refused to apply settings: {user}@{host} may not set them. Nothing was changed. Let an administrator run "
            f"GRANT {', '.join(missing)} ON *.* TO '{user}'@'{host}', or give login_user of another account.",
            "mariadb_access_denied",
            {"missing": missing},
        )


def set_live(connection: Connection[Any], values: Mapping[str, str]) -> None:
    """Set variables of the running server, one after the other.

    Raises:
        LifeboatError: As ``server_errors``; what was set before stays set.
    """
    for name, value in values.items():
        with server_errors(f"set {name}"):
            execute(connection, f"SET GLOBAL {name} = {VARIABLES[name].literal(value)}")


def _missing(variable: Variable, granted: set[str], is_split: bool) -> str:
    enough = {variable.privilege, "ALL PRIVILEGES", *([] if is_split else [SUPER])}
    return "" if enough & granted else variable.privilege
