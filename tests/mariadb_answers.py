"""A database server that answers from a list, and nothing to all else: for checks that ask about many schemas."""

from __future__ import annotations

from typing import Any

from tests.server_doubles import ServerDouble

SCHEMA = "_erp"
SITE = "erp.example.com"
SERVER = "127.0.0.1:3306"


class AnsweringServer(ServerDouble):
    """A server whose answers are given.

    Args:
        answers: Parts of statements, and the rows that the first one found in a statement answers; others get none.
        variables: The server's variables.
        site_names: The databases of the host's sites, instead of the one.
        others: Further arguments of ``ServerDouble``.
    """

    def __init__(
        self,
        answers: dict[str, list[tuple[Any, ...]]] | None = None,
        variables: dict[str, str] | None = None,
        site_names: dict[str, str] | None = None,
        **others: Any,
    ) -> None:
        super().__init__(answers={**(answers or {}), "": []}, variables=variables, **others)
        if site_names is not None:
            self.site_names = site_names
            self.database_names = tuple(site_names)
