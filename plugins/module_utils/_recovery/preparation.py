"""Prepares a recovery: finds everything, verifies the set, checks, and plans. Writes nothing but archives of logs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._backups.catalogue import catalogue, site_folders
from .._backups.choice import choose_set
from .._backups.drill_records import read_drill_records
from .._backups.names import SITE_CONFIG, STREAMED_SLUG, site_slug
from .._backups.repository import REPOSITORY_PATH, Repository
from .._backups.set_configuration import configuration_in_set
from .._backups.sets import STRUCTURE, BackupSet
from .._backups.verification import verify_set
from .._bench.apps import bench_apps
from .._bench.layout import Bench, Site, find_bench
from .._mariadb.connection import LoginOptions
from .._mariadb.server import ServerFacts, local_datadir, read_server_facts, unknown_collations
from .._system.errors import LifeboatError
from .._system.files import free_bytes
from .._system.progress import ProgressReporter
from .base_choice import ChosenBase, choose_base, has_positions, read_lives
from .checks import (
    WARNING,
    Check,
    check_collations,
    check_database_kind,
    check_identity,
    check_keys,
    check_space,
    check_versions,
    refuse_failed,
)
from .database_plan import check_replicas
from .estimate import estimate_steps
from .load_choice import LOGGED
from .plan import Space, build_plan
from .point_checks import check_point
from .point_in_time import outside_window, parse_target
from .promotion_plan import look_at_site
from .record import read_records
from .replay_plan import ReplayPlan
from .site_logs import archive_up_to_now, find_logs
from .source_choice import can_place_files
from .survey import survey_live_site
from .work import RecoveryWork, recovery_work

if TYPE_CHECKING:
    from pymysql.connections import Connection

# What is said of a point in time that lies behind the logs that can be read.
_BEYOND_THE_LOGS = ("binlog_gap", "binlog_missing", "gtid_not_found", "outside_window")


@dataclass(frozen=True)
class RecoveryRequest:
    """What was asked for; the options of ``site_recovery``."""

    site: str
    bench_path: str | None
    state_path: Path
    repository_path: Path = Path(REPOSITORY_PATH)
    recover_to: str | None = None
    undo: str | None = None
    paths: tuple[Path, ...] = ()
    encryption_key: str | None = field(default=None, repr=False)
    procedure: str = "standard"
    fetch_seconds: float = 0.0
    allow_cross_site: bool = False
    allow_newer_apps: bool = False
    keep_days: int = 7
    reserve_bytes: int = 1024**3
    binary_log: str = LOGGED
    datadir_free_bytes: int | None = None


def prepare_recovery(
    request: RecoveryRequest,
    connection: Connection[Any],
    progress: ProgressReporter,
    now: datetime,
    archive_login: LoginOptions | None = None,
) -> dict[str, Any]:
    """Return the plan of the recovery that was asked for.

    Args:
        request: What was asked for.
        connection: An administrator's connection to the live server.
        progress: Told what is read.
        now: The time.
        archive_login: How a program reaches that server: its logs are archived up to now where they cannot be read
            here and a point in time needs them. None to write nothing.

    Raises:
        LifeboatError: Whatever speaks against it: ``backup_not_found``, ``recover_to_invalid``, ``wrong_site``,
            ``app_newer``, ``collation_unknown``, ``database_unsupported``, ``disk_space`` and what reading the
            artifacts raises.
    """
    bench = find_bench(request.site, request.bench_path)
    site = bench.site(request.site)
    base = _choose(request, site, connection, progress, now, archive_login)
    backup = base.choice.chosen
    config_artifact = backup.artifact(SITE_CONFIG)
    set_configuration = configuration_in_set(
        config_artifact.path if config_artifact else None, request.encryption_key, site
    )
    last_life = read_lives(request.state_path, site.name, "")[-1]
    live = survey_live_site(connection, site, set_configuration, last_life.database)
    facts = read_server_facts(connection)
    replayed_bytes = base.replay.replayed_bytes if base.replay else None
    work = recovery_work(backup, facts, can_place_files(facts), replayed_bytes)
    space, space_checks = _check_space(request, bench, facts, work, base.replay)
    checks = [
        *check_database_kind(live.configuration, set_configuration),
        check_identity(
            site.name,
            [other.name for other in bench.sites()],
            backup.slug,
            backup.archive_site,
            live.configuration,
            set_configuration,
            request.allow_cross_site,
        ),
        check_versions(bench_apps(bench), backup.versions, request.allow_newer_apps),
        check_collations(unknown_collations(connection, backup.collations), backup.collations),
        check_keys(live.configuration, set_configuration),
        *check_point(base.replay, request.recover_to, backup.recovery_point, base.logs, live.database_exists),
        *space_checks,
        *check_replicas(facts, request.binary_log),
        *_check_link(site),
    ]
    refuse_failed(site.name, checks)
    return build_plan(
        site=site.name,
        bench_path=bench.path,
        procedure=request.procedure,
        fetch_seconds=request.fetch_seconds,
        backup=backup,
        skipped_sets=base.choice.skipped,
        replay=base.replay,
        live=live,
        now=now,
        work=work,
        steps=estimate_steps(read_records(request.state_path), read_drill_records(request.state_path, site.name), work),
        space=space,
        checks=checks,
        keep_days=request.keep_days,
    )


def _choose(
    request: RecoveryRequest,
    site: Site,
    connection: Connection[Any],
    progress: ProgressReporter,
    now: datetime,
    archive_login: LoginOptions | None,
) -> ChosenBase:
    repository = Repository(request.repository_path)
    folders = request.paths or site_folders(site, repository)
    found = catalogue(folders)
    named = request.recover_to in [name for backup in found for name in (backup.name, backup.address)]
    if request.allow_cross_site or named:
        candidates = found  # a set of another site that was asked for by name is refused by its identity
    else:
        candidates = [backup for backup in found if backup.slug in (site_slug(site.name), STREAMED_SLUG, "")]
    if not candidates:
        raise _no_set_error(site, folders, found)

    def verify(backup: BackupSet) -> BackupSet:
        progress.start(f"verify {backup.name}", total_bytes=backup.size_bytes)
        return verify_set(backup, STRUCTURE, request.encryption_key, site, progress)

    target = None if named and not request.undo else parse_target(request.recover_to, request.undo)
    if target is None or (target.moment_seconds is not None and not has_positions(candidates)):
        if target is not None and (target.moment_seconds or 0) > now.timestamp():
            # A slip in the date: the newest set may hold the very damage that was to be left behind.
            raise outside_window(target, None, "it is in the future")
        return ChosenBase(choose_set(candidates, request.recover_to, verify))
    lives = read_lives(request.state_path, site.name, look_at_site(site).database)

    def choose() -> ChosenBase:
        progress.start("read the binary logs")
        find = partial(find_logs, connection, repository=repository)
        return choose_base(candidates, target, lives, find, verify, now.timestamp())

    try:
        return choose()
    except LifeboatError as error:
        if archive_login is None or error.error_code not in _BEYOND_THE_LOGS:
            raise
        if not archive_up_to_now(connection, archive_login, repository, request.reserve_bytes, progress):
            raise
    return choose()


def _no_set_error(site: Site, folders: Iterable[Path], found: Iterable[BackupSet]) -> LifeboatError:
    places = [str(folder) if folder.is_dir() else f"{folder} (no such folder)" for folder in folders]
    others = sorted({backup.slug for backup in found})
    seen = f" There are only sets of {', '.join(others)}." if others else ""
    sites = ", ".join(other.name for other in site.bench.sites()) or "no site"
    return LifeboatError(
        f"Cannot find a backup set of {site.name} in {', '.join(places)}.{seen} Give paths to other folders with "
        f"backups, or correct the name; the bench has {sites}.",
        "backup_not_found",
        {"folders": [str(folder) for folder in folders], "other_sites": others},
    )


def _check_space(
    request: RecoveryRequest, bench: Bench, facts: ServerFacts, work: RecoveryWork, replay: ReplayPlan | None
) -> tuple[dict[str, Space], list[Check]]:
    datadir = local_datadir(facts)
    needs: dict[str, tuple[Path | None, int]] = {
        "datadir": (datadir, work.needed_bytes),
        "files": (bench.sites_path, work.files_bytes),
    }
    places = {"datadir": f"The data directory {facts.datadir}", "files": f"The folder of the sites {bench.sites_path}"}
    if replay is not None:
        # The private server: the database once more, and one log after the other.
        needs["work"] = (_existing(request.state_path), work.needed_bytes + replay.largest_log_bytes)
        places["work"] = f"The folder of the recovery below {request.state_path}"
    space = {
        name: Space(_needed_with_others(path, needs.values()), free_bytes(path))
        if path is not None
        else Space(needed_bytes, request.datadir_free_bytes)
        for name, (path, needed_bytes) in needs.items()
    }
    return space, [
        check_space(name, places[name], need.needed_bytes, need.free_bytes, request.reserve_bytes)
        for name, need in space.items()
    ]


def _check_link(site: Site) -> list[Check]:
    """Say what becomes of a configuration that is a link: following one that the site's owner made is not for root."""
    if not site.config_path.is_symlink():
        return []
    return [
        Check(
            "configuration",
            WARNING,
            f"{site.config_path} is a link to {site.config_path.readlink()}: a file takes the place of the link, what "
            "it leads to stays as it is, and a rollback brings the content back but not the link.",
        )
    ]


def _needed_with_others(path: Path, needs: Iterable[tuple[Path | None, int]]) -> int:
    """Return what is needed on the file system of a path: all that lies on it, whatever it is for."""
    device = path.stat().st_dev
    return sum(needed_bytes for other, needed_bytes in needs if other is not None and other.stat().st_dev == device)


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())
