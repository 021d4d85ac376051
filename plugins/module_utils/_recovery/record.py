"""The records of what every changing module did on this host: JSON lines in a file that cannot grow for ever."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .._system.errors import LifeboatError
from .._system.files import append_line_durably
from .journal import make_private_folder

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
    path = state_path / RECORDS_NAME
    line = json.dumps(record, sort_keys=True)
    with _exclusive(state_path):
        if path.exists() and path.stat().st_size + len(line) >= limit_bytes:
            path.replace(_old_generation(path))
        append_line_durably(path, line)


@contextmanager
def recorded(state_path: Path, **facts: Any) -> Iterator[dict[str, Any]]:
    """Record what the body did, also when it fails: who did it, when, its seconds and the code of its error.

    Args:
        state_path: The folder of the collection's state.
        facts: What is known beforehand, for example ``module``, ``action`` and ``site``; the body may add to the dict
            that it gets.
    """
    began = datetime.now(timezone.utc)
    started = time.monotonic()
    found: dict[str, Any] = {"user": getpass.getuser(), "started_at": began.isoformat(timespec="seconds"), **facts}
    try:
        yield found
    except LifeboatError as error:
        found["error_code"] = error.error_code
        raise
    finally:
        append_record(state_path, {**found, "seconds": round(time.monotonic() - started, 3)})


def read_records(state_path: Path) -> list[dict[str, Any]]:
    """Return the records that are still there, oldest first; a line that a power cut damaged is left out."""
    path = state_path / RECORDS_NAME
    generations = [generation for generation in (_old_generation(path), path) if generation.exists()]
    lines = [line for generation in generations for line in generation.read_text(errors="replace").splitlines()]
    return [record for record in map(_parsed, lines) if record is not None]


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        record: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return record


def _old_generation(path: Path) -> Path:
    return path.with_name(path.name + ".1")


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
