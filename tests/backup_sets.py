"""Small backup sets, made without a database server, whole or with any fault."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.chain import read_chain, record_made
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest import (
    AppCommit,
    Manifest,
    ManifestFile,
    ManifestServer,
    ManifestTable,
    write_manifest,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.binlog.position import BinlogPosition

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


def moment_of(name: str) -> str:
    """Return the moment that the name of a set in a repository says, RFC 3339 in UTC."""
    day, time = name[:8], name[9:15]
    return f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}Z"


def manifest_of(name: str = RUN, **changes: Any) -> Manifest:
    """Return the manifest of a logical set without files; its recovery point is what its name says.

    Args:
        name: The set's name.
        changes: Other values for its fields.
    """
    moment = moment_of(name)
    values: dict[str, Any] = {
        "name": name,
        "site": SITE,
        "kinds": ("logical",),
        "started_at": moment,
        "ended_at": moment,
        "recovery_point": moment,
        "position": BinlogPosition("0-1-5", "binlog.000001", 512),
        "database": "_e36ee74f4521c089",
        "server": ManifestServer("10.11.6-MariaDB", 16384, 1, "db", 3306),
        "apps": (AppCommit("frappe", "15.55.1", "abc"),),
        "encryption": "",
        "encryption_key_fingerprint": "",
        "site_key_fingerprint": "",
        "tables": (ManifestTable("__Auth", "InnoDB", rows=1, pages=4),),
        "inexact_tables": (),
        "files": (),
        "previous": None,
    }
    return Manifest(**{**values, **changes})


def write_repository_set(
    site_folder: Path,
    name: str = RUN,
    *,
    kinds: tuple[str, ...] = ("logical",),
    files: Mapping[str, tuple[str, bytes]] | None = None,
    recorded: bool = True,
    **changes: Any,
) -> Path:
    """Make a set with a manifest, as a backup into the repository does, and return its folder.

    Args:
        site_folder: The site's folder in the repository, named as the site.
        name: The set's name; its recovery point is what it says.
        kinds: logical, physical or both; a physical part has one table.
        files: Path in the set to its kind and content, instead of the usual ones.
        recorded: Whether the chain knows of the set.
        changes: Other values for fields of the manifest.
    """
    folder = site_folder / name
    if files is None:
        files = {}
        if "logical" in kinds:
            site = site_folder.name
            public, private = archive({"a.txt": b"a"}, site=site), archive({"b.txt": b"b"}, "private", site=site)
            paths = write_set(folder, name, files=public, private_files=private)
            files = {path.name: (kind, path.read_bytes()) for kind, path in paths.items()}
        if "physical" in kinds:
            schema = json.dumps({"tables": ["__Auth"]}).encode()
            files.update(
                {
                    f"{name}-schema.json": ("schema", schema),
                    "tablespaces/__Auth.ibd": ("tablespace", b"pages" * 100),
                    "tablespaces/__Auth.cfg": ("tablespace", b"configuration"),
                }
            )
    for path, (_kind, content) in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        (folder / path).chmod(0o600)
    listed = tuple(
        ManifestFile(path, kind, len(content), hashlib.sha256(content).hexdigest())
        for path, (kind, content) in files.items()
    )
    own = {"site": site_folder.name, "kinds": kinds, "files": listed, "previous": read_chain(site_folder).newest()}
    digest = write_manifest(folder, manifest_of(name, **{**own, **changes}))
    if recorded:
        record_made(site_folder, name, digest, moment_of(name))
    return folder
