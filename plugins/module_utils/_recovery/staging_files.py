"""Staging a site's files: extracted beside the live ones and proven, or not there at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Callable

from .._backups.archives import MEMBER_LIMIT, VISIBILITY, ArchiveLimits, ArchiveReader
from .._backups.artifacts import open_artifact
from .._backups.extraction import extract_archive
from .._backups.keys import find_key
from .._backups.names import ARCHIVE_KINDS, SITE_CONFIG
from .._bench.layout import Site
from .._mariadb.connection import LoginOptions
from .._system.beneath import NewFolders, folder_beneath, remove_tree_beneath, sync_file_system
from .._system.errors import LifeboatError
from .._system.files import free_bytes
from .._system.progress import ProgressReporter
from .files_proof import Trees, compare_files, count_files, known_files, refuse_damaged
from .files_since import TakenFiles, take_newer_files
from .journal import Journal
from .promotion_plan import STAGING_FOLDER, staging_path
from .promotion_state import NOT_BEGUN, finished_steps, promotion_status
from .record import append_record

STEP = "staging_files"
REMOVED = "removed"
SPACE_CHECK_BYTES = 64 * 1024 * 1024
SITE_FOLDER_MODE = 0o755
STAGING_FOLDER_MODE = 0o700

Counted = dict[str, dict[str, int]]


@dataclass(frozen=True)
class FilesRequest:
    """What was asked for; the options of ``staging_files``."""

    site: Site
    state_path: Path
    journal: Journal
    login: LoginOptions
    encryption_key: str | None = field(default=None, repr=False)
    accept_damaged_files: bool = False
    reserve_bytes: int = 0
    member_limit: int = MEMBER_LIMIT


@dataclass(frozen=True)
class StagedArchive:
    """An archive to extract.

    Attributes:
        kind: files or private_files.
        path: The artifact.
        size_bytes: Its size.
        files: How many files it holds, as the verification of the set counted them.
        bytes: Their size.
    """

    kind: str
    path: str
    size_bytes: int
    files: int
    bytes: int


@dataclass(frozen=True)
class FilesPlan:
    """What has to be done.

    Attributes:
        archives: To extract, in this order.
        removes: A tree of an earlier try, or the one that is wanted gone, is removed first.
        kept_kinds: Kinds that the set does not have: the live files stay as they are.
    """

    archives: tuple[StagedArchive, ...] = ()
    removes: bool = False
    kept_kinds: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nothing is to be done."""
        return not self.archives and not self.removes

    def counts(self) -> dict[str, int]:
        """Return how many files will be staged, and their bytes."""
        return {
            "files": sum(archive.files for archive in self.archives),
            "bytes": sum(archive.bytes for archive in self.archives),
        }

    def as_dict(self) -> dict[str, Any]:
        """Return the plan as JSON values."""
        return {
            "extracts": [asdict(archive) for archive in self.archives],
            "removes": self.removes,
            "keeps_live": list(self.kept_kinds),
        }


def plan_present(chosen: Mapping[str, Any], *, is_done: bool, is_there: bool, status: str) -> FilesPlan:
    """Plan for the staged files to be there.

    Args:
        chosen: The set as the recovery's plan has it.
        is_done: The journal says that they were extracted and proven.
        is_there: There is a folder of staged files, whole or not.
        status: How far the promotion is: after it began, the folder holds what was replaced.
    """
    archives = tuple(
        StagedArchive(
            kind=artifact["kind"],
            path=artifact["path"],
            size_bytes=artifact["size_bytes"],
            **chosen["files"][artifact["kind"]],
        )
        for kind in ARCHIVE_KINDS
        for artifact in chosen["artifacts"]
        if artifact["kind"] == kind
    )
    kept_kinds = tuple(kind for kind in ARCHIVE_KINDS if all(archive.kind != kind for archive in archives))
    if status != NOT_BEGUN or (is_done and (is_there or not archives)):
        return FilesPlan(kept_kinds=kept_kinds)
    return FilesPlan(archives, is_there, kept_kinds)


def plan_absent(site: Site, recovery: str, *, is_there: bool, status: str) -> FilesPlan:
    """Plan for the staged files to be gone.

    Raises:
        LifeboatError: ``files_in_use`` after a promotion began: the folder then is the way back.
    """
    if is_there and status != NOT_BEGUN:
        raise LifeboatError(
            f"Refused to remove {staging_path(site, recovery)}: since recovery {recovery} of {site.name} was promoted, "
            "it holds the files that were replaced. Retire the recovery with lifeboat.frappe.site_promotion.",
            "files_in_use",
        )
    return FilesPlan(removes=is_there)


def look(request: FilesRequest, present: bool) -> FilesPlan:
    """Return the plan for a site as it is now; changes nothing."""
    status = promotion_status(request.journal)
    is_there = staging_path(request.site, request.journal.recovery).is_dir()
    if not present:
        return plan_absent(request.site, request.journal.recovery, is_there=is_there, status=status)
    chosen = request.journal.plan()["set"]
    return plan_present(chosen, is_done=request.journal.is_done(STEP), is_there=is_there, status=status)


def remove_staged_files(request: FilesRequest) -> None:
    """Remove the staged files; the journal then says so."""
    _remove_tree(request)
    request.journal.append(STEP, REMOVED)


def stage_files(request: FilesRequest, plan: FilesPlan, progress: ProgressReporter) -> None:
    """Extract the archives beside the live files and prove them; on any failure nothing of it stays.

    Raises:
        LifeboatError: ``not_staged``, ``disk_space``, ``files_damaged``, ``artifact_corrupt``, ``caller_gone``, and
            what opening and extracting an archive raises.
    """
    database = request.journal.fact("staging_database")
    if not database:
        raise LifeboatError(
            f"Cannot prove files of {request.site.name}: recovery {request.journal.recovery} has no staging database, "
            "which knows their checksums. Run lifeboat.frappe.staging_database first.",
            "not_staged",
        )
    with request.journal.step(STEP) as found:
        _remove_tree(request)
        try:
            with request.journal.step(f"{STEP}.extract") as extracted:
                counted = _extract(request, plan, progress)
                extracted["bytes"] = sum(archive["bytes"] for archive in counted.values())
            with request.journal.step(f"{STEP}.prove"):
                proof = _prove(request, counted, database, progress)
        except BaseException:
            _remove_tree(request)
            raise
        found["files"] = sum(archive["files"] for archive in counted.values())
        found["bytes"] = extracted["bytes"]
        found["proof"] = proof


def _remove_tree(request: FilesRequest) -> None:
    recovery = request.journal.recovery
    remove_tree_beneath(request.site.bench.sites_path, (request.site.name, STAGING_FOLDER, recovery))
    with suppress(OSError):  # what other recoveries keep stays
        (request.site.path / STAGING_FOLDER).rmdir()


def _extract(request: FilesRequest, plan: FilesPlan, progress: ProgressReporter) -> Counted:
    site = request.site
    owner = _owner(site)
    check_room = _room_check(site.bench.sites_path, request.reserve_bytes)
    total_bytes = plan.counts()["bytes"]
    check_room(0, total_bytes)
    progress.start(f"{STEP}.extract", total_bytes, plan.counts()["files"])
    counted: Counted = {}
    with _staging_folder(site, request.journal.recovery, owner) as staging:
        for archive in plan.archives:
            done_bytes = sum(done["bytes"] for done in counted.values())
            done_files = sum(done["files"] for done in counted.values())

            def tell(
                written_bytes: int, files: int, name: str, base: tuple[int, int] = (done_bytes, done_files)
            ) -> None:
                check_room(base[0] + written_bytes, 0)
                progress.update(base[0] + written_bytes, base[1] + files, name)

            counted[archive.kind] = _extract_one(request, archive, staging, owner, tell)
        sync_file_system(staging)
    return counted


def _extract_one(
    request: FilesRequest,
    archive: StagedArchive,
    staging: int,
    owner: tuple[int, int],
    tell: Callable[[int, int, str], None],
) -> dict[str, int]:
    path = Path(archive.path)
    limits = ArchiveLimits.for_artifact(archive.size_bytes, request.member_limit)
    with ExitStack() as stack:
        tree = stack.enter_context(
            folder_beneath(staging, (VISIBILITY[archive.kind], "files"), NewFolders(SITE_FOLDER_MODE, owner))
        )
        raw = stack.enter_context(open_artifact(path, _key(request)))
        listing = extract_archive(ArchiveReader(raw, path.name, archive.kind, limits), tree, owner, tell)
    if (listing.file_count, listing.size_bytes) != (archive.files, archive.bytes):
        raise LifeboatError(
            f"Refused {path}: it holds {listing.file_count} files and {listing.size_bytes} bytes, but {archive.files} "
            f"and {archive.bytes} when the recovery was planned. It was changed since; begin the recovery again.",
            "artifact_corrupt",
        )
    return {"files": listing.file_count, "bytes": listing.size_bytes}


def _key(request: FilesRequest) -> str | None:
    artifacts = request.journal.plan()["set"]["artifacts"]
    own = next((Path(artifact["path"]) for artifact in artifacts if artifact["kind"] == SITE_CONFIG), None)
    return find_key(request.encryption_key, own, request.site.config_path)[0]


def _owner(site: Site) -> tuple[int, int]:
    """Return whose the files will be: the site's owner, or of a site that is gone, the owner of the bench's sites."""
    status = (site.path if site.exists() else site.bench.sites_path).stat()
    return status.st_uid, status.st_gid


@contextmanager
def _staging_folder(site: Site, recovery: str, owner: tuple[int, int]) -> Iterator[int]:
    with (
        folder_beneath(site.bench.sites_path, (site.name,), NewFolders(SITE_FOLDER_MODE, owner)) as site_folder,
        folder_beneath(site_folder, (STAGING_FOLDER, recovery), NewFolders(STAGING_FOLDER_MODE, owner)) as staging,
    ):
        yield staging


def _room_check(folder: Path, reserve_bytes: int) -> Callable[[int, int], None]:
    """Return a check, cheap enough for each chunk, that writing on leaves the reserve free."""
    checked_bytes = -SPACE_CHECK_BYTES

    def check(written_bytes: int, coming_bytes: int) -> None:
        nonlocal checked_bytes
        if written_bytes - checked_bytes < SPACE_CHECK_BYTES:
            return
        checked_bytes = written_bytes
        free = free_bytes(folder)
        if free < reserve_bytes + coming_bytes:
            raise LifeboatError(
                f"Gave up extracting files below {folder}: {free} bytes are free, {coming_bytes} are needed and "
                f"{reserve_bytes} must stay free (reserve_bytes). What was extracted is removed; free some space and "
                "run this again.",
                "disk_space",
                {"free_bytes": free, "needed_bytes": coming_bytes, "reserve_bytes": reserve_bytes},
            )

    return check


def _prove(request: FilesRequest, counted: Counted, database: str, progress: ProgressReporter) -> dict[str, Any]:
    site = request.site
    kinds: Sequence[str] = list(counted)
    progress.start(f"{STEP}.prove", sum(archive["bytes"] for archive in counted.values()))
    with ExitStack() as stack:
        staging = stack.enter_context(_staging_folder(site, request.journal.recovery, _owner(site)))
        staged = {kind: stack.enter_context(folder_beneath(staging, (VISIBILITY[kind], "files"))) for kind in kinds}
        for kind, descriptor in staged.items():
            _check_count(kind, counted[kind], count_files(descriptor))
        live = {
            kind: stack.enter_context(folder_beneath(path, ())) for kind, path in _live_trees(site) if path.is_dir()
        }
        taken = _take_newer(request, database, staged, Trees(live), progress)
        if taken.files:
            sync_file_system(staging)
        proof = compare_files(known_files(request.login, database), Trees(staged), Trees(live), progress)
    refuse_damaged(proof, request.accept_damaged_files)
    return {**proof.as_dict(counted), "taken_from_live": asdict(taken)}


def _take_newer(
    request: FilesRequest, database: str, staged: Mapping[str, int], live: Trees, progress: ProgressReporter
) -> TakenFiles:
    """Take what a point in time behind the set lists and the set cannot have; a set itself lists only what it has."""
    if not request.journal.plan().get("replay"):
        return TakenFiles()
    check_room = _room_check(request.site.bench.sites_path, request.reserve_bytes)

    def tell(taken_bytes: int, files: int, name: str) -> None:
        check_room(taken_bytes, 0)
        progress.update(item_name=f"{name} (file {files} from the live site)")

    return take_newer_files(known_files(request.login, database), staged, live, _owner(request.site), tell)


def _live_trees(site: Site) -> list[tuple[str, Path]]:
    return [(kind, site.path / visibility / "files") for kind, visibility in VISIBILITY.items()]


def _check_count(kind: str, extracted: Mapping[str, int], there: Mapping[str, int]) -> None:
    if extracted != there:
        raise LifeboatError(
            f"Refused the staged {kind}: {extracted['files']} files and {extracted['bytes']} bytes were extracted, but "
            f"{there['files']} and {there['bytes']} are there. Something else writes there; look for it, then run this "
            "again.",
            "files_incomplete",
        )


def bring_to_state(
    request: FilesRequest, present: bool, check_mode: bool, progress: ProgressReporter
) -> dict[str, Any]:
    """Bring the staged files to the wanted state, leave a record of it, and return the result of the module."""
    plan = look(request, present)
    before = _staged(request.journal)
    if not plan.is_empty and not check_mode:
        if present:
            stage_files(request, plan, progress)
        else:
            remove_staged_files(request)
        state = "present" if present else "absent"
        what = {"module": STEP, "site": request.site.name, "recovery": request.journal.recovery, "state": state}
        append_record(request.state_path, {**what, **_staged(request.journal)})
    return {
        "changed": not plan.is_empty,
        "plan": plan.as_dict(),
        **_staged(request.journal),
        "steps": finished_steps(request.journal, STEP),
        "diff": {"before": _counts(before), "after": _counts(before) if plan.is_empty else plan.counts()},
    }


def _staged(journal: Journal) -> dict[str, Any]:
    """Return what the journal says is staged now, always with the same keys."""
    done = [entry.facts for entry in journal.entries() if entry.step == STEP and entry.event == "done"]
    facts = done[-1] if journal.is_done(STEP) else {}
    return {"files": facts.get("files", 0), "bytes": facts.get("bytes", 0), "proof": facts.get("proof", {})}


def _counts(staged: Mapping[str, Any]) -> dict[str, int]:
    return {"files": staged["files"], "bytes": staged["bytes"]}
