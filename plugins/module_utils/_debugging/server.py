"""The slow log of a server: its variables, and the file that it writes."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._mariadb.connection import execute, fetch_all, server_errors
from .variables import LONG_QUERY_TIME, RATE_LIMIT, VARIABLES

if TYPE_CHECKING:
    from pymysql.connections import Connection

_PLACE = ("datadir", "hostname")


def read_variables(connection: Connection[Any]) -> dict[str, str]:
    """Return the variables of the slow log, and where the server keeps its files."""
    names = (*VARIABLES, *_PLACE)
    with server_errors("read the settings of the slow log"):
        rows = fetch_all(
            connection, f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({', '.join(['%s'] * len(names))})", names
        )
    return {str(name): str(value) for name, value in rows}


def set_variables(connection: Connection[Any], values: Mapping[str, str]) -> None:
    """Set variables of the server, one after the other; those of sessions that are open stay.

    Args:
        connection: An administrator's connection.
        values: Their values, by names of ``VARIABLES``.
    """
    for name, value in values.items():
        with server_errors(f"set {name}"):
            execute(connection, f"SET GLOBAL {name} = %s", (_typed(name, value),))


def local_log(variables: Mapping[str, str], file_name: str) -> str:
    """Return the path of a log that the server writes on this host, or "" where it runs elsewhere."""
    folder = Path(variables["datadir"])
    if variables["hostname"] != socket.gethostname() or not folder.is_dir():
        return ""
    return str(folder / file_name)


def begin_log_anew(connection: Connection[Any]) -> None:
    """Have the server open its slow log again, after the file was moved away."""
    with server_errors("begin the slow log anew"):
        execute(connection, "FLUSH LOCAL SLOW LOGS")


def _typed(name: str, value: str) -> Any:
    if name == LONG_QUERY_TIME:
        return float(value)
    return int(value) if name == RATE_LIMIT else value
