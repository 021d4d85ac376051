"""Check of a site's files against what its database knows of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from ..._backups.names import parse_artifact_name
from ..._system.quantities import DAY_SECONDS, bytes_text
from ..registry import Measurement, Remediation, UnmeasurableError, check
from ..targets.site import SiteTarget

# More files than these are not counted within the time of a check.
MOST_FILES = 50000
NAMES_SHOWN = 5
# A file is uploaded before its row is written, and a backup is as old as its last row.
YOUNG_SECONDS = DAY_SECONDS


@dataclass
class FileTree:
    """The files of a site: each URL with whether the file was there a day ago; ``exposed`` are backups among them."""

    files: dict[str, bool] = field(default_factory=dict)
    size_bytes: int = 0
    exposed: list[str] = field(default_factory=list)


@check(
    "F14",
    "files.known",
    title="Files and their documents",
    subject="site",
    target=SiteTarget,
    measures="Documents of File whose file is missing, and files that no document knows",
    source="tabFile, and the folders public/files and private/files, whose links are not followed",
    unit="percent",
    warning="5",
    impact="medium",
    remediation=Remediation(
        "Recover missing files from a backup set. Move a backup out of public/files at once: anybody may fetch it, and "
        "it holds every password of the site."
    ),
    reference="own proposal",
)
def files(site: SiteTarget) -> Iterator[Measurement]:
    """Compare both sides, and look for backups that the web server hands out."""
    tree = FileTree()
    for folder, prefix in ((site.site.public_files, "/files"), (site.site.private_files, "/private/files")):
        _read_tree(folder, prefix, tree, site.now_seconds - YOUNG_SECONDS)
    yield Measurement(
        0,
        "exposed backups",
        f"{len(tree.exposed)} files of backups are in public/files" if tree.exposed else "no backup is in public/files",
        tuple(tree.exposed[:NAMES_SHOWN]),
        "critical" if tree.exposed else "ok",
    )
    rows = site.query(
        "SELECT file_url, thumbnail_url FROM tabFile WHERE COALESCE(is_folder, 0) = 0"
        " AND (file_url LIKE '/files/_%%' OR file_url LIKE '/private/files/_%%') LIMIT %s",
        (MOST_FILES + 1,),
    )
    if len(rows) > MOST_FILES:
        raise UnmeasurableError(f"the site has more than {MOST_FILES} documents of File")
    urls = {str(url) for url, _thumbnail_url in rows}
    missing = sorted(url for url in urls if url not in tree.files and unquote(url) not in tree.files)
    yield Measurement(
        _percent(len(missing), len(urls)),
        "missing files",
        f"{len(missing)} of the {len(urls)} files that documents name are missing",
    )
    known = {name for row in rows for url in row if url for name in (str(url), unquote(str(url)))}
    orphans = [url for url, is_old in tree.files.items() if is_old and url not in known]
    yield Measurement(
        _percent(len(orphans), len(tree.files)),
        "unknown files",
        f"{len(orphans)} of {len(tree.files)} files ({bytes_text(tree.size_bytes)}) are not known to any document",
    )


def _read_tree(folder: Path, prefix: str, tree: FileTree, old_until_seconds: float) -> None:
    folders = [(folder, prefix)]
    while folders:
        path, url = folders.pop()
        try:
            entries = list(os.scandir(path))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise UnmeasurableError(f"{path} cannot be read: {error.strerror}") from None
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append((Path(entry.path), f"{url}/{entry.name}"))
            elif entry.is_file(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                tree.files[f"{url}/{entry.name}"] = status.st_mtime < old_until_seconds
                tree.size_bytes += status.st_size
                if prefix == "/files" and parse_artifact_name(entry.name):
                    tree.exposed.append(entry.name)
        if len(tree.files) > MOST_FILES:
            raise UnmeasurableError(f"the site has more than {MOST_FILES} files")


def _percent(part: int, total: int) -> float:
    return round(100 * part / total, 1) if total else 0
