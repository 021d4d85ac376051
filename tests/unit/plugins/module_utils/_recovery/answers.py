"""A connection that answers each statement with the first answer whose words are in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class AnsweringConnection:
    """Stands in for a server; an answer is a list of rows, or an error that is raised."""

    def __init__(self, answers: Sequence[tuple[str, Any]]) -> None:
        self.answers = answers
        self.statements: list[str] = []
        self.arguments: list[Any] = []
        self._rows: list[Any] = []

    def cursor(self) -> AnsweringConnection:
        return self

    def __enter__(self) -> AnsweringConnection:
        return self

    def __exit__(self, *_error: object) -> None:
        return None

    def execute(self, statement: str, arguments: Any = None) -> int:
        self.statements.append(statement)
        self.arguments.append(arguments)
        answer = next(answer for words, answer in self.answers if words in statement)
        if isinstance(answer, Exception):
            raise answer
        self._rows = list(answer)
        return len(self._rows)

    def fetchall(self) -> list[Any]:
        return self._rows
