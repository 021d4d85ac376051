"""Files of JSON lines that cannot grow for ever: a full file becomes the one old generation, ``NAME.1``."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .files import append_line_durably


def append_json_line(path: Path, record: dict[str, Any], limit_bytes: int) -> None:
    """Append a record durably, whoever else appends at the same time.

    Args:
        path: The file; its folder exists.
        record: Values that JSON can hold; no secret, no row.
        limit_bytes: The size at which the file is full.
    """
    line = json.dumps(record, sort_keys=True)
    with _exclusive(path.parent):
        if path.exists() and path.stat().st_size + len(line) >= limit_bytes:
            path.replace(_old_generation(path))
        append_line_durably(path, line)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the records that are still there, oldest first; a line that a power cut damaged is left out."""
    generations = [generation for generation in (_old_generation(path), path) if generation.exists()]
    lines = [line for generation in generations for line in generation.read_text(errors="replace").splitlines()]
    return [record for record in map(_parsed, lines) if record is not None]


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


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
