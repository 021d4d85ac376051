"""The whole answer about backups: every set with its verdict, and which one a recovery would take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from .._bench.layout import Site
from .._system.errors import LifeboatError
from .catalogue import catalogue, folder_problems, site_folders
from .choice import choose_set
from .drill_records import last_drill, read_drill_records
from .manifest_sets import review_site_folder
from .offsite_run import with_offsite
from .repository import Repository
from .restic_repository import ResticRepository
from .sets import BackupSet, newest_first
from .verification import verify_set


def take_inventory(
    paths: Sequence[Path],
    site_name: str | None,
    site: Site | None,
    *,
    repository: Repository | None = None,
    state_path: Path | None = None,
    offsite: ResticRepository | None = None,
    depth: str,
    encryption_key: str | None,
    recover_to: str | None,
    member_limit: int,
) -> dict[str, Any]:
    """Return the sets in folders, each judged at a depth, and the choice among them, as JSON values.

    Args:
        paths: Folders of artifacts; without any, those of the site and of the repository.
        site_name: Leave out sets whose names say another site.
        site: The live site, for its folders and its key; None where it does not matter.
        repository: Where the collection's own sets lie.
        state_path: Where the records of drills lie.
        offsite: Where copies of the repository's sets lie.
        depth: names, structure or content.
        encryption_key: The key that was given.
        recover_to: What ``choose_set`` takes.
        member_limit: Files and folders above which an archive counts as a bomb.

    Raises:
        LifeboatError: As ``choose_set``, when ``recover_to`` is given.
    """
    folders = list(paths) or _own_folders(site_name, site, repository)
    sets = newest_first(
        verify_set(backup, depth, encryption_key, site, member_limit=member_limit)
        for backup in with_drills(catalogue(folders, site_name), state_path, site_name)
    )
    if offsite and repository and site_name:
        sets = with_offsite(sets, offsite, site_name, repository.site_folder(site_name))
    reviews = [review_site_folder(folder) for folder in folders]
    chosen, skipped = None, []
    try:
        choice = choose_set(sets, recover_to)
        chosen, skipped = choice.chosen.as_dict(), list(choice.skipped)
    except LifeboatError as error:
        if recover_to is not None:
            raise
        skipped = error.details["skipped"]
    return {
        "changed": False,
        "sets": [backup.as_dict() for backup in sets],
        "chosen": chosen,
        "passed_over": skipped,
        "insecure_permissions": folder_problems(folders),
        "chain": [asdict(finding) for review in reviews for finding in review.findings],
        "leftovers": [str(leftover) for review in reviews for leftover in review.leftovers],
    }


def _own_folders(site_name: str | None, site: Site | None, repository: Repository | None) -> list[Path]:
    """Return where a site's sets lie; after a disaster the site, or its bench, may be gone, and the repository not."""
    if site is not None:
        return list(site_folders(site, repository))
    return [repository.site_folder(site_name)] if repository and site_name else []


def with_drills(sets: Sequence[BackupSet], state_path: Path | None, site_name: str | None) -> list[BackupSet]:
    """Return the sets with the newest drill of each; those of no known site, or without a state, keep none."""
    if state_path is None or site_name is None:
        return list(sets)
    records = read_drill_records(state_path, site_name)

    def with_drill(backup: BackupSet) -> BackupSet:
        drill = last_drill(records, backup.name, backup.size_bytes)
        return replace(backup, last_drill=drill.as_dict() if drill else None)

    return [with_drill(backup) for backup in sets]
