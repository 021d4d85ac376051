"""What is kept between runs: how fast this host rebuilds tables, and which it rebuilt in the window that is open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..._system.files import make_private_folder, write_json_atomically
from .choice import MEBIBYTE
from .window import Window

STATE_FOLDER, STATE_NAME = "maintenance", "tables.json"
# While this file is there nothing is begun; its name is documented.
STOP_NAME = "maintenance.stop"
# What a disk of spinning plates does, until this host has been measured.
SEED_BYTES_PER_SECOND = 30 * MEBIBYTE
# A shorter rebuild says more about the server's answer than about its disk.
TELLING_SECONDS = 1.0


@dataclass
class MaintenanceState:
    """The state.

    Attributes:
        bytes_per_second: How fast tables were rebuilt.
        window: The last window; None before the first run.
        rebuilt: The tables that were rebuilt in it, by their sites.
    """

    bytes_per_second: float = SEED_BYTES_PER_SECOND
    window: Window | None = None
    rebuilt: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_measured(self) -> bool:
        """Whether the speed is one that was measured on this host."""
        return self.bytes_per_second != SEED_BYTES_PER_SECOND

    def begin(self, window: Window) -> None:
        """Begin a window, or go on with the one that is open."""
        if self.window is None or self.window.began_at != window.began_at:
            self.rebuilt = {}
        self.window = window

    def note_rebuild(self, site: str, table: str, size_bytes: int, seconds: float) -> None:
        """Note a table that was rebuilt, and learn from its time: the first counts alone, each later one half."""
        self.rebuilt.setdefault(site, []).append(table)
        if seconds >= TELLING_SECONDS:
            measured = size_bytes / seconds
            self.bytes_per_second = (self.bytes_per_second + measured) / 2 if self.is_measured else measured


def stop_path(state_path: Path) -> Path:
    """Return the file that keeps maintenance from beginning anything."""
    return state_path / STOP_NAME


def read_state(state_path: Path) -> MaintenanceState:
    """Return what was kept; a file that cannot be understood counts as none."""
    try:
        kept = json.loads((state_path / STATE_FOLDER / STATE_NAME).read_text())
        return _state(kept)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return MaintenanceState()


def _state(kept: Mapping[str, Any]) -> MaintenanceState:
    window = Window(float(kept["window"]["began_at"]), float(kept["window"]["ends_at"]))
    speed = float(kept["bytes_per_second"])
    rebuilt = {str(site): [str(table) for table in tables] for site, tables in dict(kept["rebuilt"]).items()}
    return MaintenanceState(speed if speed > 0 else SEED_BYTES_PER_SECOND, window, rebuilt)


def write_state(state_path: Path, state: MaintenanceState) -> None:
    """Keep a state whose window has begun."""
    folder = state_path / STATE_FOLDER
    make_private_folder(folder)
    window = vars(state.window) if state.window else {}
    write_json_atomically(
        folder / STATE_NAME,
        {"bytes_per_second": state.bytes_per_second, "window": window, "rebuilt": state.rebuilt},
    )
