"""The records of what every changing module did on this host: JSON lines in a file that cannot grow for ever."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .._system.errors import LifeboatError
from .._system.files import make_private_folder
from .._system.json_lines import append_json_line, read_json_lines

RECORDS_NAME = "records.jsonl"
RECORDS_LIMIT_BYTES = 1024 * 1024


def append_record(state_path: Path, record: dict[str, Any], limit_bytes: int = RECORDS_LIMIT_BYTES) -> None:
    """Append a record; a full file becomes the one old generation ``records.jsonl.1``.

    Args:
        state_path: The folder of the collection's state; it is made where it is missing.
        record: Values that JSON can hold; no secret, no row.
        limit_bytes: The size at which the file is full.
    """
    make_private_folder(state_path)
    append_json_line(state_path / RECORDS_NAME, record, limit_bytes)


@contextmanager
def recorded(state_path: Path, *, is_required: bool = True, **facts: Any) -> Iterator[dict[str, Any]]:
    """Record what the body did, also when it fails: who did it, when, its seconds and the code of its error.

    Args:
        state_path: The folder of the collection's state.
        is_required: Whether work that cannot be recorded has failed; a cleanup that frees a full disk has not.
        facts: What is known beforehand, for example ``module``, ``action`` and ``site``; the body may add to the dict
            that it gets.
    """
    began = datetime.now(timezone.utc)
    started = time.monotonic()
    found: dict[str, Any] = {"user": getpass.getuser(), "started_at": began.isoformat(timespec="seconds"), **facts}

    def append() -> None:
        append_record(state_path, {**found, "seconds": round(time.monotonic() - started, 3)})

    try:
        yield found
    except BaseException as error:
        if isinstance(error, LifeboatError):
            found["error_code"] = error.error_code
        # On a full disk the error is told all the same.
        with suppress(OSError):
            append()
        raise
    try:
        append()
    except OSError:
        if is_required:
            raise


def read_records(state_path: Path) -> list[dict[str, Any]]:
    """Return the records that are still there, oldest first; a line that a power cut damaged is left out."""
    return read_json_lines(state_path / RECORDS_NAME)
