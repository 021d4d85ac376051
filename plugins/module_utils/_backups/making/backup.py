"""Making a backup of a site: one at a time, planned, into a folder that is no set until it is proven."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Callable

from ..._system.errors import LifeboatError
from ..._system.files import NO_SPACE
from ..._system.progress import ProgressReporter
from ..chain import read_chain
from ..manifest_sets import record_unrecorded
from ..recovery_point import format_moment
from ..set_lock import backup_lock
from .plan import check_space
from .request import BackupRequest, plan_backup
from .set_maker import MadeSet, SetMaker
from .set_names import next_set_name
from .set_writer import SetWriter, remove_leftovers
from .source import Source

if TYPE_CHECKING:
    from pymysql.connections import Connection


def make_backup(
    request: BackupRequest,
    source: Source,
    connection: Connection[Any],
    progress: ProgressReporter,
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
) -> MadeSet | None:
    """Make a set, prove it and give it its name.

    When anything fails, what was written is removed, and every set that was there is as it was.

    Args:
        request: What was asked for.
        source: What is backed up.
        connection: To the server of the site's database.
        progress: Is told how far it is.
        now: The time, with its offset.

    Returns:
        None when the newest set turned out to be new enough, because another backup had just ended.

    Raises:
        LifeboatError: ``backup_running``, ``disk_space``, ``backup_unproven``, ``backup_overtaken``, ``dump_failed``
            and what encrypting and reading again raise.
    """
    site_folder = request.repository.site_folder(request.site.name)
    with backup_lock(site_folder), _room(request, str(site_folder)):
        remove_leftovers(site_folder)
        record_unrecorded(site_folder, format_moment(now().timestamp()))
        plan = plan_backup(request, source, now())
        if not plan.needed:
            return None
        check_space(request.site.name, str(site_folder), plan.needed_bytes, plan.free_bytes, request.reserve_bytes)
        taken = {*read_chain(site_folder).names(), *(path.name for path in site_folder.iterdir())}
        name = next_set_name(request.site.name, now(), taken)
        writer = SetWriter(site_folder, name, request.encryption)
        try:
            return SetMaker(request, source, connection, progress, writer, now).run()
        except BaseException:
            writer.discard()
            raise


@contextmanager
def _room(request: BackupRequest, folder: str) -> Iterator[None]:
    """Turn a file system that became full into the error that says so."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise LifeboatError(
            f"Cannot back up {request.site.name} to {folder}: {os.strerror(error.errno)}. What was written was "
            "removed; the sets that were there are as they were. Make room and run this again.",
            "disk_space",
            {"folder": folder},
        ) from error
