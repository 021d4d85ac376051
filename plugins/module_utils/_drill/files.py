"""The files of a drill: extracted into the scratch folder, and compared with what the database knows of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from .._backups.archives import VISIBILITY, ArchiveLimits, ArchiveReader
from .._backups.artifacts import open_artifact
from .._backups.extraction import extract_archive
from .._bench.layout import Site
from .._mariadb.connection import LoginOptions
from .._recovery.files_proof import FilesProof, KnownFile, Trees, compare_files, known_files
from .._recovery.space import space_watch
from .._recovery.staging_files import StagedArchive
from .._system.beneath import folder_beneath
from .._system.progress import ProgressReporter
from .._system.quantities import bytes_text, count_text
from .findings import FAILED, OK, SKIPPED, Finding


def extract_files(
    archives: Sequence[StagedArchive], folder: Path, key: str | None, reserve_bytes: int, progress: ProgressReporter
) -> dict[str, dict[str, int]]:
    """Extract the archives of a set below a folder.

    Args:
        archives: What the set has.
        folder: An empty folder; each kind of archive gets a tree in it.
        key: Opens encrypted archives.
        reserve_bytes: What must stay free in the file system of the folder.
        progress: Is told the bytes and files; whatever it raises ends the work.

    Returns:
        Kind of archive to the number of its files and their bytes.

    Raises:
        LifeboatError: ``disk_space``, and what opening and extracting an archive raises.
    """
    watch = space_watch(folder, reserve_bytes)

    def tell(written_bytes: int, files: int, name: str) -> None:
        error = watch()
        if error is not None:
            raise error
        progress.update(written_bytes, files, name)

    progress.start("extract files", sum(archive.bytes for archive in archives), sum(a.files for a in archives))
    counted: dict[str, dict[str, int]] = {}
    for archive in archives:
        tree = folder / VISIBILITY[archive.kind]
        tree.mkdir()
        limits = ArchiveLimits.for_artifact(archive.size_bytes)
        with ExitStack() as stack:
            destination = stack.enter_context(folder_beneath(tree, ()))
            raw = stack.enter_context(open_artifact(Path(archive.path), key))
            reader = ArchiveReader(raw, Path(archive.path).name, archive.kind, limits)
            listing = extract_archive(reader, destination, (os.geteuid(), os.getegid()), tell)
        counted[archive.kind] = {"files": listing.file_count, "bytes": listing.size_bytes}
    return counted


def prove_files(
    login: LoginOptions,
    database: str,
    folder: Path,
    counted: Mapping[str, Mapping[str, int]],
    site: Site,
    progress: ProgressReporter,
) -> Finding:
    """Compare the extracted files with what the recovered database knows of them by size and checksum.

    Args:
        login: The scratch server.
        database: The recovered database.
        folder: Where the archives were extracted.
        counted: What was extracted.
        site: The live site: a file that is the same there was not damaged in the archive. It is only read.
        progress: Is told the bytes that were read.
    """
    if not counted:
        return Finding("files", SKIPPED, "The set has no archive of files.")
    progress.start("compare files", sum(kind["bytes"] for kind in counted.values()))
    with ExitStack() as stack:

        def opened(paths: Mapping[str, Path]) -> Trees:
            there = {kind: path for kind, path in paths.items() if path.is_dir()}
            return Trees({kind: stack.enter_context(folder_beneath(path, ())) for kind, path in there.items()})

        extracted = opened({kind: folder / VISIBILITY[kind] for kind in counted})
        live = opened({kind: site.path / VISIBILITY[kind] / "files" for kind in counted})
        proof = compare_files(known_files(login, database), extracted, live, progress)
        lost = _count_lost(known_files(login, database), extracted, live) if proof.missing else 0
    return judge_files(proof, counted, lost)


def _count_lost(known: Iterable[KnownFile], extracted: Trees, live: Trees) -> int:
    """Count the files that the live site has and the archives do not; what neither has was gone before the backup."""

    def is_in(trees: Trees, file: KnownFile) -> bool:
        with ExitStack() as stack:
            return file.kind in trees and trees.open(file, stack) is not None

    return sum(file.kind in extracted and not is_in(extracted, file) and is_in(live, file) for file in known)


def judge_files(proof: FilesProof, counted: Mapping[str, Mapping[str, int]], lost: int) -> Finding:
    """Judge the comparison. Pure; files are counted, not named.

    Args:
        proof: What was found.
        counted: What was extracted.
        lost: Files that are not in the archives, though the live site has them.
    """
    files = count_text(sum(kind["files"] for kind in counted.values()), "file")
    size = bytes_text(sum(kind["bytes"] for kind in counted.values()))
    listed = count_text(proof.listed, "file")
    wrong = [
        f"{number} {what}"
        for number, what in (
            (proof.damaged, "are not what it knows by size and checksum"),
            (lost, "are not in the archives, but on the live site"),
        )
        if number
    ]
    if wrong:
        return Finding("files", FAILED, f"Of {listed} that the database lists, {' and '.join(wrong)}.")
    notes = [
        f"{number} {what}"
        for number, what in (
            (proof.unchecked, "have neither there"),
            (proof.outdated, "differ from the database just as the live ones do"),
            (proof.missing, "are gone from the live site as well"),
        )
        if number
    ]
    return Finding(
        "files",
        OK,
        f"{files} ({size}) extracted; the database lists {listed}, "
        + ", ".join([f"{proof.matched} are right by checksum or size", *notes])
        + ".",
    )
