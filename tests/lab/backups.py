"""Backups exactly as ``bench backup`` writes them."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

SITE_TIME_ZONE = ZoneInfo("Asia/Kolkata")  # Frappe's default: the names of backups are in the site's time


@dataclass(frozen=True)
class BackupFiles:
    """One set.

    Attributes:
        name: What the names of its files begin with: time and site.
        database: The dump.
        public_files: The archive of the public files; None in a partial set.
        private_files: The archive of the private files; None in a partial set.
        site_config: The copy of the site's configuration.
        encryption_key: The passphrase of an encrypted set.
    """

    name: str
    database: Path
    public_files: Path | None
    private_files: Path | None
    site_config: Path
    encryption_key: str | None

    @property
    def paths(self) -> list[Path]:
        """Every file of the set."""
        return [path for path in (self.database, self.public_files, self.private_files, self.site_config) if path]


@dataclass(frozen=True)
class BackupOrder:
    """What to back up and how.

    Attributes:
        sites_path: The folder of the sites.
        site: The site.
        database: The name of its database.
        option_file: An option file with an account that can read the database.
        frappe_version: The version that the dump's header names.
        encryption_key: The passphrase, or None for a plain set.
        excluded_tables: Tables that a partial set leaves out.
        compressed: Whether archives of files are compressed.
        folder: Where to, or None for the site's own folder.
    """

    sites_path: Path
    site: str
    database: str
    option_file: Path
    frappe_version: str
    encryption_key: str | None = None
    excluded_tables: tuple[str, ...] = ()
    compressed: bool = False
    folder: Path | None = None


def write_backup(order: BackupOrder) -> BackupFiles:
    """Write one set; waits for the next second when one of this second is there already."""
    folder = order.folder or order.sites_path / order.site / "private" / "backups"
    folder.mkdir(parents=True, exist_ok=True)
    slug = order.site.replace(".", "_")
    while True:
        name = f"{datetime.now(SITE_TIME_ZONE):%Y%m%d_%H%M%S}-{slug}"
        if not list(folder.glob(f"{name}-*")):
            break
        time.sleep(0.05)
    encrypted = "-enc" if order.encryption_key else ""
    partial = "-partial" if order.excluded_tables else ""
    extension = "tgz" if order.compressed else "tar"
    site_config = folder / f"{name}-site_config_backup{encrypted}.json"
    shutil.copyfile(order.sites_path / order.site / "site_config.json", site_config)
    database = folder / f"{name}{partial}-database{encrypted}.sql.gz"
    _dump(order, database)
    public_files = private_files = None
    if not partial:
        public_files = folder / f"{name}-files{encrypted}.{extension}"
        private_files = folder / f"{name}-private-files{encrypted}.{extension}"
        for path, source in ((public_files, "public/files"), (private_files, "private/files")):
            mode = "-czf" if order.compressed else "-cf"
            subprocess.run(["tar", mode, path, f"./{order.site}/{source}"], cwd=order.sites_path, check=True)
    if order.encryption_key:
        _encrypt([path for path in (database, public_files, private_files) if path], order.encryption_key)
    return BackupFiles(name, database, public_files, private_files, site_config, order.encryption_key)


def _dump(order: BackupOrder, path: Path) -> None:
    """Write the header as one gzip member and append the dump as another, as Frappe does."""
    header = [
        "begin frappe metadata",
        "[frappe]",
        f"version = {order.frappe_version}",
        f"branch = version-{order.frappe_version.split('.')[0]}",
        "end frappe metadata",
        "",
    ]
    if order.excluded_tables:
        header += [
            f"Partial Backup of Frappe Site {order.site}",
            f"Backup excludes: {', '.join(order.excluded_tables)}",
            "",
        ]
    with gzip.open(path, "wt") as stream:
        stream.write("".join(f"-- {line}\n" for line in header))
    ignored = [f"--ignore-table={order.database}.{table}" for table in order.excluded_tables]
    with path.open("ab") as target:
        dump = subprocess.Popen(
            [
                "mariadb-dump",
                f"--defaults-file={order.option_file}",
                "--single-transaction",
                "--quick",
                "--lock-tables=false",
                *ignored,
                order.database,
            ],
            stdout=subprocess.PIPE,
        )
        subprocess.run(["gzip"], stdin=dump.stdout, stdout=target, check=True)
        if dump.stdout:
            dump.stdout.close()
        if dump.wait():
            raise RuntimeError(f"mariadb-dump ended with exit code {dump.returncode}")


def _encrypt(paths: list[Path], passphrase: str) -> None:
    with tempfile.TemporaryDirectory(prefix="gnupg-") as home:
        for path in paths:
            encrypted = path.with_name(f"{path.name}.gpg")
            # gpg reads the passphrase from its standard input, so it is on no command line.
            subprocess.run(
                [
                    "gpg",
                    "--batch",
                    "--yes",
                    "--quiet",
                    "--pinentry-mode=loopback",
                    "--passphrase-fd=0",
                    "--symmetric",
                    f"--output={encrypted}",
                    path,
                ],
                input=passphrase.encode(),
                env={**os.environ, "GNUPGHOME": home},
                check=True,
            )
            encrypted.replace(path)
        subprocess.run(["gpgconf", "--kill", "all"], env={**os.environ, "GNUPGHOME": home}, check=True)
