"""A bench's sites: their sizes, their backups, and whether a restore of them was ever rehearsed."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .._backups.catalogue import catalogue, site_folders
from .._backups.repository import Repository
from .._backups.sets import COMPLETE
from .._checks.targets.bench import BenchTarget
from .._checks.targets.site import SiteTarget

# A site may have millions of files: what was not counted by then is said to be more.
COUNT_SECONDS = 2.0
RECORD_NAME = "record.json"


def bench_facts(bench: BenchTarget, sites: Iterable[SiteTarget]) -> list[dict[str, Any]]:
    """Return a bench with its services and sites."""
    return [
        {
            "path": bench.name,
            "services": dict(sorted(Counter(service.kind for service in bench.services).items())),
            "sites": [_site(site) for site in sites],
        }
    ]


def backup_facts(site: SiteTarget) -> list[dict[str, Any]]:
    """Return the newest complete set of a site, as its names and first bytes tell, and how much all its sets take."""
    settings = site.surroundings.settings
    kept = site_folders(site.site, Repository(Path(settings.repository_path)))
    sets = catalogue([*kept, *map(Path, settings.backup_paths)], site.name)
    newest = next((backup for backup in sets if backup.verdict == COMPLETE), None)
    return [
        {
            "site": site.name,
            "newest": newest.name if newest else "",
            "recovery_point": newest.recovery_point if newest else "",
            "verdict": newest.verdict if newest else sets[0].verdict if sets else "",
            "encrypted": newest.encrypted if newest else False,
            "size_bytes": newest.size_bytes if newest else None,
            "sets": len(sets),
            "total_bytes": sum(backup.size_bytes for backup in sets),
        }
    ]


def rehearsal_facts(site: SiteTarget) -> list[dict[str, Any]]:
    """Return the last recovery of a site on this host, in earnest or as a drill: it shows that a restore works."""
    records = sorted((site.surroundings.state_path / site.name).glob(f"*/{RECORD_NAME}"))
    if not records:
        return []
    record = json.loads(records[-1].read_bytes())
    return [{"site": site.name, "at": str(record["ended_at"]), "outcome": str(record["outcome"])}]


def _site(site: SiteTarget) -> dict[str, Any]:
    end = time.monotonic() + COUNT_SECONDS
    sizes = [folder_bytes(folder, end) for folder in (site.site.public_files, site.site.private_files)]
    return {
        "name": site.name,
        "files_bytes": sum(size for size, _is_whole in sizes),
        "files_are_whole": all(is_whole for _size, is_whole in sizes),
    }


def folder_bytes(folder: Path, end: float) -> tuple[int, bool]:
    """Add up the sizes of the files below a folder.

    Args:
        folder: The folder; one that is not there is empty.
        end: When to stop, in the time of ``time.monotonic``.

    Returns:
        The bytes, and whether all were counted.
    """
    total = 0
    waiting = [str(folder)]
    while waiting:
        try:
            entries = os.scandir(waiting.pop())
        except FileNotFoundError:
            continue
        with entries:
            for entry in entries:
                if time.monotonic() > end:
                    return total, False
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    total += entry.stat(follow_symlinks=False).st_size
    return total, True
