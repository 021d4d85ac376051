"""Where the last look at the errors ended, kept on the host, so that the next one sees what is new."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .._system.files import make_private_folder, write_json_atomically
from .log_files import Position, read_positions

CURSOR_NAME = "error_log_cursor.json"


@dataclass(frozen=True)
class Cursor:
    """How far each source was read.

    Attributes:
        at_seconds: When that was, in Unix time; None where nothing was read before.
        positions: Of the logs, by their paths.
        journal: Of the journal; empty where it was not read.
    """

    at_seconds: float | None = None
    positions: Mapping[str, Position] = field(default_factory=dict)
    journal: str = ""


def read_cursor(state_path: Path) -> Cursor:
    """Read what the last look left; one that is damaged is none."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        kept = json.loads((state_path / CURSOR_NAME).read_text())
        return Cursor(float(kept["at_seconds"]), read_positions(kept["positions"]), str(kept["journal"]))
    return Cursor()


def keep_cursor(state_path: Path, cursor: Cursor) -> None:
    """Keep where a look ended."""
    make_private_folder(state_path)
    positions = {path: [position.inode, position.offset_bytes] for path, position in cursor.positions.items()}
    content = {"at_seconds": cursor.at_seconds, "positions": positions, "journal": cursor.journal}
    write_json_atomically(state_path / CURSOR_NAME, content)
