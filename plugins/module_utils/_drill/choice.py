"""Looks up what a drill recovers: among the sets of the host, or among their copies off-site, which are fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._backups.catalogue import catalogue
from .._backups.manifest import ManifestServer
from .._backups.offsite_fetch import fetch_set
from .._backups.offsite_run import copies_of
from .._backups.offsite_sets import OffsiteSet, best_copies, with_copies
from .._backups.sets import BackupSet
from .._recovery.base_choice import read_lives, recovery_window
from .._recovery.point_in_time import Life
from .._recovery.promotion_plan import look_at_site
from .._recovery.set_to_fetch import set_to_fetch
from .._recovery.site_logs import SiteLogs, find_logs
from .point import NAMED, RANDOM, DrillPoint, choose_second, choose_set_to_drill
from .request import DrillRequest

if TYPE_CHECKING:
    from pymysql.connections import Connection

SETS_NAME = "sets"


@dataclass(frozen=True)
class Available:
    """What could be drilled.

    Attributes:
        sets: The sets, newest first.
        folders: Where they lie, or come to lie once they are fetched.
        copies: The copies off-site by their snapshots; none where the host's own sets are drilled.
    """

    sets: Sequence[BackupSet]
    folders: tuple[Path, ...]
    copies: dict[str, OffsiteSet]


def available_sets(request: DrillRequest, scratch: Path) -> Available:
    """Return what could be drilled; changes nothing.

    Args:
        request: What was asked for.
        scratch: The scratch folder, in which copies from off-site would come to lie; it need not exist.

    Raises:
        LifeboatError: What keeps the repository off-site from being looked at.
    """
    site = request.site.name
    if request.offsite is None:
        return Available(catalogue(request.set_folders, site), request.set_folders, {})
    copies = copies_of(request.offsite, site)
    folder = scratch / SETS_NAME / site
    sets = with_copies([], best_copies(copies, {}), folder, request.offsite.name, {})
    return Available(sets, (folder,), {copy.snapshot: copy for copy in copies})


def choose_point(
    request: DrillRequest, available: Available, connection: Connection[Any], drill_count: int, now: datetime
) -> DrillPoint:
    """Choose what is recovered.

    Args:
        request: What was asked for.
        available: What there is.
        connection: The live server, which has the newest logs.
        drill_count: How many drills of the site were recorded.
        now: The time.

    Raises:
        LifeboatError: ``backup_not_found``, ``outside_window``.
    """
    site = request.site.name
    if request.recover_to:
        return DrillPoint(NAMED, request.recover_to, "As asked for.")
    if request.point != RANDOM:
        return choose_set_to_drill(available.sets, site, drill_count, request.older_every)

    def logs_of(server: ManifestServer) -> SiteLogs:
        return find_logs(connection, server, request.repository)

    window = recovery_window(available.sets, _lives(request), logs_of, now.timestamp())
    return choose_second(window, site, drill_count)


def glance_at(available: Available, point: DrillPoint) -> dict[str, Any] | None:
    """Return the set that is to be drilled as the catalogue shows it; None where a moment is."""
    known = (backup for backup in available.sets if point.recover_to in (backup.name, backup.address))
    chosen = next(known, None)
    return chosen.as_dict() if chosen else None


def fetch_copy(request: DrillRequest, available: Available, point: DrillPoint, now: datetime) -> int:
    """Fetch the copy that the recovery begins with into the scratch folder; return its size in bytes.

    Nothing is fetched where no copy leads to the point: the recovery then says why.

    Raises:
        LifeboatError: ``disk_space``, ``offsite_changed``, and what restic's failures are.
    """
    wanted = set_to_fetch(available.sets, point.recover_to, None, _lives(request))
    if request.offsite is None or wanted is None or wanted.offsite is None:
        return 0
    copy = available.copies[wanted.offsite["snapshot"]]
    fetch_set(request.offsite, copy, available.folders[0], now, request.reserve_bytes)
    return wanted.size_bytes


def _lives(request: DrillRequest) -> tuple[Life, ...]:
    return read_lives(request.state_path, request.site.name, look_at_site(request.site).database)
