"""Whether this is a moment at which a table may be rebuilt, measured right before."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._backups.catalogue import catalogue, site_folders
from ..._backups.repository import Repository
from ..._backups.set_lock import LOCK_NAME, is_locked
from ..._backups.sets import COMPLETE
from ..._bench.layout import Site
from ..._cleanup.pace import follows, io_pressure_percent
from ..._cleanup.site_database import replica_connection
from ..._mariadb.connection import fetch_all
from ..._mariadb.disks import HOW_TO_TELL, Disk, disk_of, read_disks
from ..._mariadb.server import ServerFacts, local_datadir, read_server_facts
from ..._system.quantities import HOUR_SECONDS, bytes_text, count_text, duration_text
from ..._system.times import parse_rfc3339
from .choice import REBUILD, Skip, Thresholds, Work

if TYPE_CHECKING:
    from pymysql.connections import Connection

# The new table is written beside the old one, with room to spare (health-checks of the field: 1.3 times).
SPACE_FACTOR = 1.3
# What mysqldump and mariadb-dump read a table with.
DUMP_STATEMENT = "SELECT /*!40001 SQL_NO_CACHE */%"


@dataclass(frozen=True)
class Room:
    """A file system: its free bytes, and all of them."""

    free_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class Conditions:
    """What was measured.

    Attributes:
        threads_running: Statements that run now.
        history_length: Changes that InnoDB has yet to purge.
        transaction_seconds: The age of the oldest transaction in the site's database, or in none.
        io_pressure_percent: For which part of the time something waits for the disk.
        replica_count: Replicas that follow the server now.
        late_replicas: Those of the replicas that were named that do not have everything.
        data_room: The file system of the data; None where it is on another host, whose server does not tell.
        temporary_room: That of the files for sorting.
        alter_log_bytes: What the server may need there for the changes that are made during a rebuild.
        backup_age_seconds: The age of the site's newest complete backup; None without any.
        is_backup_running: Whether a backup of it is being made, which a rebuild would end with an error.
    """

    threads_running: int
    history_length: int
    transaction_seconds: float
    io_pressure_percent: float
    replica_count: int
    late_replicas: tuple[str, ...]
    data_room: Room | None
    temporary_room: Room | None
    alter_log_bytes: int
    backup_age_seconds: float | None
    is_backup_running: bool


@dataclass(frozen=True)
class Surroundings:
    """Where conditions are looked for besides the server.

    Attributes:
        replicas: Replicas as ``host`` or ``host:port``.
        repository: The collection's own backup sets.
        backup_folders: Further folders of sets.
        root: The folder that stands for ``/``.
    """

    replicas: Sequence[str]
    repository: Repository
    backup_folders: Sequence[Path]
    root: Path


def obstacle(work: Work, now: Conditions, limits: Thresholds) -> Skip | None:
    """Return why a table is not rebuilt at this moment, or None. Pure."""
    for kind, reason in _obstacles(work, now, limits):
        if reason:
            return Skip(work.site, work.table, REBUILD, kind, reason)
    return None


def _obstacles(work: Work, now: Conditions, limits: Thresholds) -> list[tuple[str, str]]:
    return [
        ("backup", _without_backup(now, limits)),
        ("space", _without_room(work, now, limits)),
        ("replication", _behind(work, now, limits)),
        ("transaction", _held_up(now, limits)),
        ("busy", _busy(now, limits)),
    ]


def _without_backup(now: Conditions, limits: Thresholds) -> str:
    if now.is_backup_running:
        return "a backup of the site is being made"
    if now.backup_age_seconds is None:
        return "the site has no complete backup: make one with lifeboat.frappe.backup"
    if now.backup_age_seconds > limits.max_backup_age_hours * HOUR_SECONDS:
        age = duration_text(now.backup_age_seconds)
        return f"the newest complete backup is {age} old: make one with lifeboat.frappe.backup"
    return ""


def _without_room(work: Work, now: Conditions, limits: Thresholds) -> str:
    if now.data_room is None or now.temporary_room is None:
        return (
            "the server runs on another host and does not tell what is free on its disks: "
            f"{HOW_TO_TELL} in it, as an administrator with FILE, makes it"
        )
    needed = SPACE_FACTOR * work.bytes + limits.free_reserve_percent / 100 * now.data_room.total_bytes
    if now.data_room.free_bytes < needed:
        free = bytes_text(now.data_room.free_bytes)
        return f"the disk with the data has {free} free, and needs {bytes_text(needed)} with its reserve"
    needed = work.bytes + now.alter_log_bytes
    if now.temporary_room.free_bytes < needed:
        free = bytes_text(now.temporary_room.free_bytes)
        return f"the folder for temporary files has {free} free, and needs {bytes_text(needed)}"
    return ""


def _behind(work: Work, now: Conditions, limits: Thresholds) -> str:
    if now.late_replicas:
        return f"{', '.join(now.late_replicas)} is behind"
    if now.replica_count and work.estimated_seconds > limits.max_replica_lag_seconds:
        replicas = count_text(now.replica_count, "replica")
        seconds = duration_text(work.estimated_seconds)
        return f"{replicas} would be {seconds} behind, since they repeat the rebuild one after the other"
    return ""


def _held_up(now: Conditions, limits: Thresholds) -> str:
    if now.transaction_seconds > limits.max_transaction_seconds:
        return f"a transaction in the site's database is {duration_text(now.transaction_seconds)} old"
    return ""


def _busy(now: Conditions, limits: Thresholds) -> str:
    if now.threads_running > limits.max_threads_running:
        return f"{now.threads_running} statements run at once"
    if now.history_length > limits.max_history_length:
        return f"InnoDB has yet to purge {now.history_length:,} changes"
    if now.io_pressure_percent > limits.max_io_pressure_percent:
        return f"something waits for the disk {now.io_pressure_percent:.0f} % of the time"
    return ""


def measure(
    administrator: Connection[Any], site: Site, database: str, surroundings: Surroundings, now: float
) -> Conditions:
    """Measure all of them.

    Args:
        administrator: A connection that may see all threads and transactions.
        site: The site.
        database: Its database.
        surroundings: Where else to look.
        now: Seconds since the epoch.

    Raises:
        LifeboatError: A replica cannot be reached.
        pymysql.err.MySQLError: A statement was refused.
    """
    facts = read_server_facts(administrator)
    ((temporary, alter_log_bytes),) = fetch_all(
        administrator, "SELECT COALESCE(@@innodb_tmpdir, @@tmpdir), @@innodb_online_alter_log_max_size"
    )
    status = dict(
        fetch_all(
            administrator,
            "SHOW GLOBAL STATUS WHERE Variable_name IN ('Threads_running', 'Innodb_history_list_length')",
        )
    )
    ((transaction_seconds,),) = fetch_all(
        administrator,
        # The time of the start is in the server's own time zone, NOW() in that of the session.
        "SELECT COALESCE(MAX(TIMESTAMPDIFF(SECOND, trx.trx_started, CONVERT_TZ(NOW(), @@time_zone, 'SYSTEM'))), 0)"
        " FROM information_schema.INNODB_TRX trx LEFT JOIN information_schema.PROCESSLIST thread"
        " ON thread.ID = trx.trx_mysql_thread_id WHERE thread.DB = %s OR thread.DB IS NULL",
        (database,),
    )
    ((dumps,),) = fetch_all(
        administrator,
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = %s AND INFO LIKE %s",
        (database, DUMP_STATEMENT),
    )
    own_backup = surroundings.repository.site_folder(site.name) / LOCK_NAME
    data_room, temporary_room = _rooms(administrator, facts, str(temporary).partition(":")[0])
    return Conditions(
        threads_running=int(status["Threads_running"]),
        history_length=int(status.get("Innodb_history_list_length", 0)),
        transaction_seconds=float(transaction_seconds),
        io_pressure_percent=io_pressure_percent(surroundings.root),
        replica_count=facts.replica_count,
        late_replicas=tuple(name for name in surroundings.replicas if not _follows(administrator, site, name)),
        data_room=data_room,
        temporary_room=temporary_room,
        alter_log_bytes=int(alter_log_bytes),
        backup_age_seconds=_backup_age_seconds(site, surroundings, now),
        is_backup_running=bool(dumps) or is_locked(own_backup),
    )


def _follows(administrator: Connection[Any], site: Site, replica: str) -> bool:
    with replica_connection(site, replica) as connection:
        return follows(administrator, connection)


def _rooms(administrator: Connection[Any], facts: ServerFacts, temporary: str) -> tuple[Room | None, Room | None]:
    """Return the file systems of the data and of temporary files: as this host sees them, or as the server tells."""
    datadir = local_datadir(facts)
    if datadir is not None:
        return _room(datadir), _room(Path(temporary))
    disks = read_disks(administrator)
    return _room_there(facts.datadir, disks), _room_there(temporary, disks)


def _room_there(folder: str, disks: Sequence[Disk]) -> Room | None:
    disk = disk_of(folder, disks)
    return Room(disk.free_bytes, disk.total_bytes) if disk else None


def _room(folder: Path) -> Room:
    usage = shutil.disk_usage(folder)
    return Room(usage.free, usage.total)


def _backup_age_seconds(site: Site, surroundings: Surroundings, now: float) -> float | None:
    folders = [*site_folders(site, surroundings.repository), *surroundings.backup_folders]
    points = [backup.recovery_point for backup in catalogue(folders, site.name) if backup.verdict == COMPLETE]
    return now - parse_rfc3339(points[0]).timestamp() if points else None
