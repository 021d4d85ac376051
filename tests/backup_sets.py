"""Small backup sets, made without a database server, whole or with any fault."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

RUN = "20261121_144508-site1_local"
SITE = "site1.local"
KEY = "8lt2LoPfrz4MjHSbV6SUW7HyFwTYja5ZY11Cyh6FVbg="
FOOTER = "-- Dump completed on 2026-11-21  9:15:09\n"
HEADER = (
    "-- begin frappe metadata\n-- [frappe]\n-- version = 15.55.1\n-- branch = version-15\n-- end frappe metadata\n-- \n"
)
SQL = """/*M!999999\\- enable the sandbox mode */
-- Host: 127.0.0.1    Database: _e36ee74f4521c089
CREATE TABLE `__Auth` (
  `name` varchar(255) NOT NULL
) ENGINE=InnoDB;
CREATE TABLE `tabDefaultValue` (
  `name` varchar(255) NOT NULL
) ENGINE=InnoDB;
INSERT INTO `tabDefaultValue` VALUES
('one'),
('two');
"""


def dump(sql: str = SQL, header: str = HEADER, footer: str = FOOTER, began_at: int = 0) -> bytes:
    """Return a dump in two gzip members, as Frappe writes it."""
    return gzip.compress(header.encode(), mtime=began_at) + gzip.compress(f"{sql}\n{footer}".encode(), mtime=0)


def member(name: str, content: bytes | None = None, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Return a member of an archive: a file with that content, or without any a folder; ``fields`` of TarInfo win."""
    info = tarfile.TarInfo(name)
    info.type, info.mode = (tarfile.DIRTYPE, 0o755) if content is None else (tarfile.REGTYPE, 0o644)
    info.size = len(content or b"")
    info.mtime = 1795252400
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content or b""


def archive_of(members: Iterable[tuple[tarfile.TarInfo, bytes]], compressed: bool = False) -> bytes:
    """Return an archive with exactly these members."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(stream.getvalue()) if compressed else stream.getvalue()


def archive(
    files: Mapping[str, bytes], visibility: str = "public", site: str = SITE, compressed: bool = False
) -> bytes:
    """Return an archive of a site's files, as ``bench backup`` makes it."""
    root = f"./{site}/{visibility}/files"
    folders = dict.fromkeys(
        parent for name in files for parent in reversed([str(path) for path in Path(name).parents][:-1])
    )
    return archive_of(
        [
            member(root),
            *(member(f"{root}/{folder}") for folder in folders),
            *(member(f"{root}/{name}", content) for name, content in files.items()),
        ],
        compressed,
    )


def encrypt(content: bytes, key: str = KEY) -> bytes:
    """Return content as ``bench backup`` encrypts it."""
    with tempfile.TemporaryDirectory(prefix="gnupg-") as home:
        plain = Path(home, "plain")
        plain.write_bytes(content)
        options = [
            "--batch",
            "--quiet",
            "--no-autostart",
            "--s2k-count=65536",
            "--pinentry-mode=loopback",
            "--passphrase-fd=0",
        ]
        command = ["gpg", f"--homedir={home}", *options, "--symmetric", "--output=-", str(plain)]
        return subprocess.run(command, input=key.encode(), check=True, capture_output=True).stdout


def write_set(
    folder: Path, run: str = RUN, *, key: str | None = None, began_at: int = 0, **contents: bytes | None
) -> dict[str, Path]:
    """Write a complete set and return its files by kind.

    Args:
        folder: Made when it is missing.
        run: Time and slug.
        key: Encrypt with it.
        began_at: What the dump's gzip header says.
        contents: By kind, what to write instead; None leaves the artifact out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mark = "-enc" if key else ""
    configuration = {"db_name": "_e36ee74f4521c089", "encryption_key": "k", "backup_encryption_key": KEY}
    artifacts: dict[str, tuple[str, bytes | None]] = {
        "database": (f"database{mark}.sql.gz", dump(began_at=began_at)),
        "files": (f"files{mark}.tar", archive({"a.txt": b"public"})),
        "private_files": (f"private-files{mark}.tar", archive({"b/c.txt": b"private"}, "private")),
        "site_config": (f"site_config_backup{mark}.json", json.dumps(configuration).encode()),
    }
    paths = {}
    for kind, (suffix, default) in artifacts.items():
        content = contents.get(kind, default)
        if content is not None:
            paths[kind] = folder / f"{run}-{suffix}"
            paths[kind].write_bytes(encrypt(content, key) if key and kind != "site_config" else content)
            paths[kind].chmod(0o600)
    return paths
