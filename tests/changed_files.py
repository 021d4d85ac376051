"""Files of a bench that a test changes for a while."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab import Lab
from tests.lab.layout import write_configuration


@contextmanager
def changed_configuration(lab: Lab, site: str, *removed: str, age_seconds: float = 0, **values: Any) -> Iterator[None]:
    """Set and remove values of a site's configuration for a while, as if that had been so long ago."""
    path = lab.site_path(site) / "site_config.json"
    before = lab.site_config(site)
    try:
        write_configuration(path, {key: value for key, value in {**before, **values}.items() if key not in removed})
        changed_at = path.stat().st_mtime - age_seconds
        os.utime(path, (changed_at, changed_at))
        yield
    finally:
        write_configuration(path, before)


@contextmanager
def changed_file(path: Path, text: str) -> Iterator[None]:
    """Change a file for a while; one that was not there is removed again."""
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.write_text(text)
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
