"""What every kind of load fills, and what it says when it is through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Optional

from .._system.errors import LifeboatError
from .connection import LoginOptions

ROWS_OF_DUMP, ROWS_OF_MANIFEST = "dump", "manifest"
Watch = Callable[[], Optional[LifeboatError]]


@dataclass(frozen=True)
class LoadTarget:
    """An empty database and who fills it.

    Attributes:
        login: The server and the staging account, which reaches the database and nothing else.
        database: An empty database.
        administrator: The account that creates views and triggers for the staging account: with a binary log, a server
            lets no other do that. Creating them runs nothing; they run with the rights of the staging account.
        definer_host: The host part of the account, for the definer of views and triggers.
        connections: How many connections at once.
        is_logged: Whether the server's binary log, hence its replicas, get the load.
    """

    login: LoginOptions
    database: str
    administrator: LoginOptions
    definer_host: str
    connections: int
    is_logged: bool


@dataclass
class LoadResult:
    """What was loaded, and what that proved.

    Attributes:
        rows: Rows a table, each counted in the database.
        loaded_bytes: The length of the SQL, or the size of the files of tables.
        rows_known_from: What the rows were compared with: ``dump``, ``manifest``, or "" where nothing tells them.
        hashed_files: How many files of tables were compared with their SHA-256.
    """

    rows: dict[str, int] = field(default_factory=dict)
    sequences: int = 0
    views: int = 0
    triggers: int = 0
    loaded_bytes: int = 0
    rows_known_from: str = ""
    hashed_files: int = 0
