"""Sites that were dropped long ago, of which a backup is proven."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..._backups.manifest_sets import manifest_digest
from ..._backups.repository import REPOSITORY_PATH, Repository
from ..._bench.layout import Bench
from ..._system.beneath import folder_beneath, remove_tree_beneath
from ..._system.errors import LifeboatError
from ..._system.quantities import DAY_SECONDS, bytes_text
from ..archived_database import database_bytes, drop_database
from ..archived_site import GOING_SUFFIX, ArchivedSite, archive_of, archived_folders, look_at, proof_of
from ..choice import Protection
from ..open_files import open_files
from ..settings import older_than_days
from ..tasks import DONE, Note, Planned, Refusal, Task, TaskContext, TaskOutcome, TaskRule

ID = "archived_sites"
DEFAULT_DAYS, LEAST_DAYS = 30.0, 1.0


@dataclass(frozen=True)
class ArchiveSettings:
    """After how many days an archived site goes, where its proof lies, and whether its database goes as well."""

    older_than_days: float
    repository: Repository
    drop_database: bool


def _settings(values: Mapping[str, Any]) -> ArchiveSettings:
    rest = dict(values)
    path, drop = Path(str(rest.pop("repository_path", REPOSITORY_PATH))), rest.pop("drop_database", False)
    if not isinstance(drop, bool) or not path.is_absolute():
        raise ValueError("drop_database is true or false, and repository_path an absolute path")
    return ArchiveSettings(older_than_days(rest, DEFAULT_DAYS, LEAST_DAYS), Repository(path), drop)


def _plan(context: TaskContext, settings: ArchiveSettings) -> Iterator[Planned]:
    protection = Protection(context.protected, open_files())
    for bench in context.benches:
        for folder in archived_folders(bench):
            yield _planned(context, settings, bench, look_at(folder, protection))


def _planned(context: TaskContext, settings: ArchiveSettings, bench: Bench, site: ArchivedSite) -> Planned:
    try:
        return _judged(context, settings, bench, site)
    except LifeboatError as error:
        return Refusal(ID, str(site.folder), error.error_code, error.message)


def _judged(context: TaskContext, settings: ArchiveSettings, bench: Bench, site: ArchivedSite) -> Planned:
    parameters = {"bench": str(bench.path), "name": site.folder.name, **_identity(site)}
    if site.folder.name.endswith(GOING_SUFFIX):
        return _task(site, context.now, "its removal was begun", parameters)
    address = site.database(bench)
    database_size, database = _database(bench, site, settings.drop_database)
    last = _last_backup(site)
    days = site.age_days(context.now)
    if days < settings.older_than_days:
        text = (
            f"{bytes_text(site.size_bytes)}, {last}, {database}; archived or changed {days:.0f} days ago, and stays "
            f"until {settings.older_than_days:g} days are over"
        )
        return Note(ID, str(site.folder), 1, site.size_bytes, text)
    proof = _proven(site, address.db_name, settings.repository)
    reason = (
        f"archived for {settings.older_than_days:g} days or more; the set {proof.name} of {proof.recovery_point} in "
        f"{proof.folder.parent} was verified; {last}; {database}"
    )
    parameters = {
        **parameters,
        "older_than_days": settings.older_than_days,
        "repository_path": str(settings.repository.path),
        "set": proof.name,
        "set_sha256": manifest_digest(proof.folder),
        "database": address.db_name,
        "drop_database": settings.drop_database and database_size is not None,
    }
    return _task(site, context.now, reason, parameters)


def _task(site: ArchivedSite, now: float, reason: str, parameters: Mapping[str, Any]) -> Task:
    age_seconds = int(site.age_days(now) * DAY_SECONDS)
    return Task(ID, str(site.folder), 1, site.size_bytes, age_seconds, reason, parameters, str(site.folder.parent))


def _identity(site: ArchivedSite) -> dict[str, int]:
    status = site.folder.lstat()
    return {"device": status.st_dev, "inode": status.st_ino}


def _database(bench: Bench, site: ArchivedSite, drop: bool) -> tuple[int | None, str]:
    """Return the size of its database and what becomes of that, for people."""
    name = site.database(bench).db_name
    try:
        size = database_bytes(bench, site.database(bench))
    except LifeboatError:
        if drop:
            raise
        return None, f"whether its database {name} is still there cannot be told"
    if size is None:
        return None, f"its database {name} is not there any more"
    return size, f"its database {name} ({bytes_text(size)}) is still there, and {'goes as well' if drop else 'stays'}"


def _last_backup(site: ArchivedSite) -> str:
    dumps = sorted(path.name for path in (site.folder / "private" / "backups").glob("*-database.sql*"))
    return f"its own last backup is {dumps[-1]}" if dumps else "it has no backup of its own"


def _proven(site: ArchivedSite, database: str, repository: Repository) -> Any:
    if site.why_kept:
        raise _unproven(site, f"something in it is to stay ({site.why_kept})")
    proof = proof_of(site, database, repository)
    if proof is None:
        raise _unproven(
            site,
            f"no complete set of it, with its database {database} and as new as its files, was verified in "
            f"{repository.path}",
        )
    return proof


def _unproven(site: ArchivedSite, why: str) -> LifeboatError:
    return LifeboatError(
        f"Refused to remove the archived site {site.folder}: {why}. Nothing of it was taken away. Fetch its set from "
        "off-site, or move the folder elsewhere yourself.",
        "archive_unproven",
        {"path": str(site.folder)},
    )


def _apply(context: TaskContext, task: Task, _deadline: float) -> TaskOutcome:
    wanted = task.parameters
    (bench,) = (bench for bench in context.benches if str(bench.path) == wanted["bench"])
    folders = {folder.name: folder for folder in archived_folders(bench)}
    name = str(wanted["name"])
    site = look_at(folders[name], Protection(context.protected, open_files()))
    if _identity(site) != {"device": wanted["device"], "inode": wanted["inode"]}:
        raise ValueError("another folder")
    if not name.endswith(GOING_SUFFIX):
        _look_again(context, wanted, bench, site)
        if wanted["drop_database"]:
            drop_database(bench, context.benches, site.database(bench))
        with folder_beneath(archive_of(bench), ()) as archive:
            os.rename(name, name + GOING_SUFFIX, src_dir_fd=archive, dst_dir_fd=archive)
            os.fsync(archive)
        name += GOING_SUFFIX
    remove_tree_beneath(archive_of(bench), (name,))
    return TaskOutcome(DONE, 1, site.size_bytes)


def _look_again(context: TaskContext, wanted: Mapping[str, Any], bench: Bench, site: ArchivedSite) -> None:
    days = max(float(wanted["older_than_days"]), LEAST_DAYS)
    if site.age_days(context.now) < days or site.database(bench).db_name != wanted["database"]:
        raise _unproven(site, "it was changed since it was looked at")
    proof = _proven(site, str(wanted["database"]), Repository(Path(str(wanted["repository_path"]))))
    if (proof.name, manifest_digest(proof.folder)) != (wanted["set"], wanted["set_sha256"]):
        raise _unproven(site, f"the set that proved it is not the newest any more: {proof.name} is")


ARCHIVED_SITES = TaskRule(
    id=ID,
    noun="site",
    title="sites that were dropped long ago",
    never_touches="a live site; an archived one that was changed, is open, or has no verified set in the collection's "
    "repository; its database, unless drop_database is on and no live site names it",
    settings=_settings,
    plan=_plan,
    apply=_apply,
)
