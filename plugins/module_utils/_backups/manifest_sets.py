"""Sets with a manifest: one folder a set, judged at a glance by the files that the manifest names."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from .._system.errors import LifeboatError
from .chain import CHAIN_NAME, Chain, ChainFinding, PresentSet, changed_text, read_chain, record_made
from .holds import read_holds
from .manifest import MANIFEST_NAME, PHYSICAL, Manifest, ManifestFile, read_manifest
from .names import DATABASE, KINDS, site_slug
from .recovery_point import format_moment
from .repository import INCOMPLETE_SUFFIX
from .sets import BROKEN, COMPLETE, FROM_FILE, FROM_MANIFEST, Artifact, BackupSet

READABLE_BY_OTHERS = 0o004
_SET_NAME = re.compile(r"\d{8}_\d{6}-(?P<slug>.+)")


@dataclass(frozen=True)
class FolderReview:
    """What is to be said of a site's folder besides its sets.

    Attributes:
        findings: Sets that are missing or were changed.
        leftovers: Folders of sets that are being made or removed now, or that a killed run left.
    """

    findings: tuple[ChainFinding, ...]
    leftovers: tuple[Path, ...]


def is_set_folder(folder: Path) -> bool:
    """Tell whether a folder is one whole set with a manifest."""
    return not folder.name.endswith(INCOMPLETE_SUFFIX) and (folder / MANIFEST_NAME).is_file()


def is_site_folder(folder: Path) -> bool:
    """Tell whether a folder is that of a site in a repository: nothing in it without a manifest is a set."""
    return (folder / CHAIN_NAME).exists()


def read_set(folder: Path, chain: Chain) -> BackupSet | None:
    """Return the set of a folder; one whose manifest was changed, or cannot be understood, is broken.

    Args:
        folder: The set's folder.
        chain: What is remembered of the sets beside it.

    Returns:
        None when the set was removed meanwhile.
    """
    try:
        backup = _judged(folder, chain)
    except OSError:
        return None
    return backup if is_set_folder(folder) else None


def _judged(folder: Path, chain: Chain) -> BackupSet:
    held = _is_held(folder)
    try:
        backup = replace(set_of_manifest(folder, read_manifest(folder)), held=held)
    except LifeboatError as error:
        return _without_manifest(folder, error.message, held)
    digest = manifest_digest(folder)
    if chain.digests().get(folder.name, digest) == digest:
        return backup
    return replace(backup, verdict=BROKEN, reasons=(changed_text(folder.name), *backup.reasons))


def set_of_manifest(folder: Path, manifest: Manifest) -> BackupSet:
    """Return the set that a manifest describes, judged by the sizes of its files.

    Args:
        folder: Where its files lie, whatever that folder is called.
        manifest: What the set says of itself.
    """
    problems: list[str] = []
    artifacts, insecure = [], []
    for file in manifest.files:
        path = folder / file.path
        status = _status(path, file, problems)
        if status is None:
            continue
        mode = stat.S_IMODE(status.st_mode)
        if mode & READABLE_BY_OTHERS:
            insecure.append(f"{path} may be read by everybody on the host (mode {mode:04o}); chmod o-rwx it.")
        if file.kind in KINDS:
            encrypted = bool(manifest.encryption)
            artifacts.append(Artifact(file.kind, path, file.size_bytes, encrypted, mode, status.st_mtime))
    artifacts.sort(key=lambda artifact: KINDS.index(artifact.kind))
    return BackupSet(
        name=manifest.name,
        folder=folder,
        slug=site_slug(manifest.site),
        artifacts=tuple(artifacts),
        verdict=BROKEN if problems else COMPLETE,
        reasons=tuple(problems),
        recovery_point=manifest.recovery_point,
        recovery_point_source=FROM_MANIFEST,
        missing_kinds=missing_kinds(manifest),
        versions={app.name: app.version for app in manifest.apps},
        database_name=manifest.database,
        archive_site=manifest.site,
        insecure_permissions=tuple(insecure),
        kinds=manifest.kinds,
        manifest=manifest,
    )


def missing_kinds(manifest: Manifest) -> tuple[str, ...]:
    """Return the kinds of artifacts that a set does not have; files of tables stand for a dump."""
    there = {file.kind for file in manifest.files} | ({DATABASE} if PHYSICAL in manifest.kinds else set())
    return tuple(kind for kind in KINDS if kind not in there)


def review_site_folder(site_folder: Path) -> FolderReview:
    """Compare a site's folder with its chain; nothing is to be said of one that does not exist."""
    present = {folder.name: _present(folder) for folder in set_folders(site_folder)}
    return FolderReview(tuple(read_chain(site_folder).findings(present)), tuple(leftovers(site_folder)))


def record_unrecorded(site_folder: Path, at: str) -> list[str]:
    """Put into the chain the sets that are there and that it does not know, as after a kill; return their names.

    Only whoever holds the site's lock of backups may call it. ``at`` is RFC 3339 in UTC.
    """
    known = set(read_chain(site_folder).digests())
    unrecorded = [folder for folder in set_folders(site_folder) if folder.name not in known]
    for folder in unrecorded:
        record_made(site_folder, folder.name, manifest_digest(folder), at)
    return [folder.name for folder in unrecorded]


def set_folders(site_folder: Path) -> list[Path]:
    """Return the folders of the whole sets of a site, by name."""
    return [folder for folder in _inner_folders(site_folder) if is_set_folder(folder)]


def require_set(site_folder: Path, name: str) -> Path:
    """Return the folder of a set.

    Raises:
        LifeboatError: ``backup_not_found`` when there is no such set.
    """
    known = {folder.name: folder for folder in set_folders(site_folder)}
    if name not in known:
        raise LifeboatError(
            f"Cannot find the set {name} in {site_folder}. Give the name of a set of the repository, as backup_info "
            "lists them.",
            "backup_not_found",
            {"folder": str(site_folder)},
        )
    return known[name]


def leftovers(site_folder: Path) -> list[Path]:
    """Return the folders of a site that are no sets yet, or no more."""
    return [folder for folder in _inner_folders(site_folder) if folder.name.endswith(INCOMPLETE_SUFFIX)]


def _inner_folders(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        with os.scandir(folder) as entries:
            yield from sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))


def manifest_digest(folder: Path) -> str:
    """Return the SHA-256 of a set's manifest, as the next set and the chain name it."""
    return hashlib.sha256((folder / MANIFEST_NAME).read_bytes()).hexdigest()


def _present(folder: Path) -> PresentSet:
    try:
        previous = read_manifest(folder).previous
    except LifeboatError:  # it cannot be understood; its digest tells that it was changed
        previous = None
    return PresentSet(manifest_digest(folder), previous)


def _is_held(folder: Path) -> bool:
    try:
        hold = read_holds(folder.parent).get(folder.name)
    except LifeboatError:  # nobody can tell, so nothing may go
        return True
    return hold is not None and hold.held


def _status(path: Path, file: ManifestFile, problems: list[str]) -> os.stat_result | None:
    parts = PurePosixPath(file.path)
    if parts.is_absolute() or ".." in parts.parts:
        problems.append(f"Its manifest names {file.path}, which is outside of the set.")
        return None
    try:
        status = path.lstat()
    except OSError:
        problems.append(f"{file.path} is missing.")
        return None
    if not stat.S_ISREG(status.st_mode):
        problems.append(f"{file.path} is no regular file.")
        return None
    if status.st_size != file.size_bytes:
        problems.append(f"{file.path} has {status.st_size} bytes; the manifest says {file.size_bytes}.")
    return status


def _without_manifest(folder: Path, reason: str, held: bool) -> BackupSet:
    match = _SET_NAME.fullmatch(folder.name)
    return BackupSet(
        name=folder.name,
        folder=folder,
        slug=match["slug"] if match else "",
        artifacts=(),
        verdict=BROKEN,
        reasons=(reason,),
        recovery_point=format_moment(folder.stat().st_mtime),
        recovery_point_source=FROM_FILE,
        kinds=(),
        held=held,
    )
