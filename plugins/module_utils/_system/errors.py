"""The one exception of the collection."""

from __future__ import annotations

from typing import Any

from .error_codes import ERROR_CODES


class LifeboatError(Exception):
    """A failure that a person can act on.

    Args:
        message: A sentence that says what failed, on what, why, and what to do next. Never a secret, never a row.
        error_code: A stable code of ``error_codes.ERROR_CODES``.
        details: Facts for machines; values that JSON can hold.
    """

    def __init__(self, message: str, error_code: str, details: dict[str, Any] | None = None) -> None:
        if error_code not in ERROR_CODES:
            raise KeyError(f"{error_code} is not in ERROR_CODES")
        super().__init__(message)
        self.message = message
        self.error_code = error_code
        self.details = details or {}
