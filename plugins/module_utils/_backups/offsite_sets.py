"""The sets of a restic repository: one snapshot a set, whose tags say what the catalogue shows of it."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .._system.files import make_private_folder, write_json_atomically
from .manifest import Manifest, ManifestFile
from .manifest_sets import manifest_digest, missing_kinds
from .names import site_slug
from .restic_repository import Snapshot
from .sets import BROKEN, COMPLETE, FROM_MANIFEST, OFFSITE, BackupSet, newest_first

CHECKS_NAME = "offsite.json"
HELD_TAG = "held"


@dataclass(frozen=True)
class OffsiteSet:
    """A set that lies in a repository elsewhere.

    Attributes:
        snapshot: The id of its snapshot.
        copied_at: When it was copied, as restic says it.
        manifest: What the set says of itself, its tables left out and its files summed up, one a kind.
        manifest_sha256: The digest of the whole manifest.
        held: Its snapshot is tagged as held.
    """

    snapshot: str
    copied_at: str
    manifest: Manifest
    manifest_sha256: str
    held: bool

    @property
    def name(self) -> str:
        """The set's name."""
        return self.manifest.name

    @property
    def mark(self) -> str:
        """What tells this copy from every other one, also when its tags were changed and it has another id."""
        return f"{self.manifest_sha256} {self.copied_at}"


@dataclass(frozen=True)
class CopyCheck:
    """When a copy was read back whole, RFC 3339 in UTC, and what was wrong with it; "" where nothing was."""

    at: str
    problem: str = ""


def site_tag(site: str) -> str:
    """Return the tag of all snapshots of a site."""
    return f"site={site}"


def tags_of(manifest: Manifest, digest: str) -> list[str]:
    """Return the tags of a set's snapshot; restic takes a comma for the end of a tag, so there is none in them."""
    summary = json.dumps(summary_of(manifest).as_dict(), sort_keys=True).encode()
    head = base64.urlsafe_b64encode(zlib.compress(summary, 9)).decode()
    return [site_tag(manifest.site), f"set={manifest.name}", f"manifest={digest}", f"head={head}"]


def summary_of(manifest: Manifest) -> Manifest:
    """Return a manifest without its tables, and with one file for all of a kind, which has their size alone."""
    kinds = dict.fromkeys(file.kind for file in manifest.files)
    sizes = {kind: sum(file.size_bytes for file in manifest.files if file.kind == kind) for kind in kinds}
    files = tuple(ManifestFile("", kind, size, "") for kind, size in sizes.items())
    return replace(manifest, tables=(), inexact_tables=(), files=files)


def offsite_sets(snapshots: Iterable[Snapshot]) -> list[OffsiteSet]:
    """Return the sets that snapshots hold, each copy of its own, oldest copy first; others' snapshots are left out."""
    return [copy for copy in map(_read_tags, snapshots) if copy is not None]


def best_copies(copies: Iterable[OffsiteSet], checks: Mapping[str, CopyCheck]) -> list[OffsiteSet]:
    """Return one copy of each set: the newest of which no fault is known, else the newest."""
    best: dict[str, OffsiteSet] = {}
    for copy in copies:
        present = best.get(copy.name)
        if present is None or not _problem(copy, checks) or _problem(present, checks):
            best[copy.name] = copy
    return list(best.values())


def _problem(copy: OffsiteSet, checks: Mapping[str, CopyCheck]) -> str:
    check = checks.get(copy.mark)
    return check.problem if check else ""


def _read_tags(snapshot: Snapshot) -> OffsiteSet | None:
    tags = dict(tag.partition("=")[::2] for tag in snapshot.tags)
    try:
        summary = json.loads(zlib.decompress(base64.urlsafe_b64decode(tags["head"])))
        manifest, digest = Manifest.from_dict(summary), tags["manifest"]
    except (KeyError, TypeError, ValueError, zlib.error):
        return None
    return OffsiteSet(snapshot.id, snapshot.time, manifest, digest, HELD_TAG in snapshot.tags)


def read_checks(site_folder: Path, repository: str) -> dict[str, CopyCheck]:
    """Return by its mark which copy in a repository was read back; none where that is not known any more."""
    return _all_checks(site_folder).get(repository, {})


def write_checks(site_folder: Path, repository: str, checks: Mapping[str, CopyCheck]) -> None:
    """Remember which copies of a site's sets in a repository were read back."""
    make_private_folder(site_folder)
    known = {**_all_checks(site_folder), repository: checks}
    shown = {name: {mark: asdict(check) for mark, check in marks.items()} for name, marks in known.items()}
    write_json_atomically(site_folder / CHECKS_NAME, shown)


def good_copies(site_folder: Path) -> set[str] | None:
    """Return the digests of the manifests of which a copy was read back whole; None where nothing was ever copied."""
    known = _all_checks(site_folder)
    checks = [item for marks in known.values() for item in marks.items()]
    return {mark.partition(" ")[0] for mark, check in checks if not check.problem} if known else None


def _all_checks(site_folder: Path) -> dict[str, dict[str, CopyCheck]]:
    try:
        known = json.loads((site_folder / CHECKS_NAME).read_bytes())
        return {
            repository: {mark: CopyCheck(**check) for mark, check in checks.items()}
            for repository, checks in known.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):  # copies are read back again then
        return {}


def with_copies(
    local: Sequence[BackupSet],
    copies: Sequence[OffsiteSet],
    site_folder: Path,
    repository: str,
    checks: Mapping[str, CopyCheck],
) -> list[BackupSet]:
    """Return the local sets, each with its copy, and the sets that are off-site alone; newest first.

    Args:
        local: The local catalogue of the site.
        copies: The best copy of each set.
        site_folder: Where a set that is fetched comes to lie.
        repository: The repository's name, to show.
        checks: Which copies were read back whole, by their marks.
    """
    shown = {(copy.name, copy.manifest_sha256): _shown(copy, repository, checks) for copy in copies}

    def with_copy(backup: BackupSet) -> BackupSet:
        if backup.manifest is None:
            return backup
        return replace(backup, offsite=shown.get((backup.name, manifest_digest(backup.folder))))

    here = {backup.name for backup in local if backup.manifest is not None and backup.verdict != BROKEN}
    apart = [_as_set(copy, site_folder, _shown(copy, repository, checks)) for copy in copies if copy.name not in here]
    return newest_first([*map(with_copy, local), *apart])


def _shown(copy: OffsiteSet, repository: str, checks: Mapping[str, CopyCheck]) -> dict[str, Any]:
    check = checks.get(copy.mark)
    return {
        "repository": repository,
        "snapshot": copy.snapshot,
        "copied_at": copy.copied_at,
        "checked_at": check.at if check else "",
        "problem": check.problem if check else "",
    }


def _as_set(copy: OffsiteSet, site_folder: Path, offsite: dict[str, Any]) -> BackupSet:
    manifest, problem = copy.manifest, str(offsite["problem"])
    return BackupSet(
        name=manifest.name,
        folder=site_folder / manifest.name,
        slug=site_slug(manifest.site),
        artifacts=(),
        verdict=BROKEN if problem else COMPLETE,
        reasons=(problem,) if problem else (),
        recovery_point=manifest.recovery_point,
        recovery_point_source=FROM_MANIFEST,
        missing_kinds=missing_kinds(manifest),
        versions={app.name: app.version for app in manifest.apps},
        database_name=manifest.database,
        archive_site=manifest.site,
        kinds=manifest.kinds,
        manifest=manifest,
        location=OFFSITE,
        held=copy.held,
        offsite=offsite,
    )
