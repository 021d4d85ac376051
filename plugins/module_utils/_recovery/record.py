"""The records of what every changing module did on this host: JSON lines in a file that cannot grow for ever."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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


def read_records(state_path: Path) -> list[dict[str, Any]]:
    """Return the records that are still there, oldest first. A last line that a power cut damaged is left out."""
    path = state_path / RECORDS_NAME
    generations = [generation for generation in (_old_generation(path), path) if generation.exists()]
    lines = [line for generation in generations for line in generation.read_text(errors="replace").splitlines()]
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


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
