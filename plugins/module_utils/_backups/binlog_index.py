"""What an archive of binary logs remembers of each file: one JSON file beside each, written last.

A log without it is a leftover of a run that was killed, and none of the archive.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .._mariadb.binlog.live import ServerIdentity
from .._mariadb.binlog.logs import file_number
from .._system.errors import LifeboatError
from .._system.files import write_json_atomically

SCHEMA_VERSION = 1
INDEX_SUFFIX = ".json"


@dataclass(frozen=True)
class ArchivedBinlog:
    """One file of the archive.

    Attributes:
        name: As the server called it.
        stored_name: As it is called in the archive's folder, with the suffix of its compression.
        size_bytes, sha256: Of the log as the server wrote it.
        stored_bytes, stored_sha256: Of the file as it lies in the archive.
        gtids_before, gtids_after: The last transaction of each domain and server before and after the file.
        first_gtid, last_gtid: Of its transactions; "" where it has none.
        began_at: When the server began it, RFC 3339 in UTC.
        earliest_commit, latest_commit: The times of its transactions, the same; "" where it has none.
        transactions: How many there are.
        row_statements: Of these, how many change rows by statements (``binlog_format`` is not ROW).
        partial_images: Of these, how many have row images without all columns (``binlog_row_image`` is not FULL).
        ending: ``rotated``, ``stopped``, or ``open`` or ``truncated`` where the server crashed.
        server: Who wrote it.
        server_version: Of the server.
        archived_at: When it was archived, RFC 3339 in UTC.
    """

    name: str
    stored_name: str
    size_bytes: int
    sha256: str
    stored_bytes: int
    stored_sha256: str
    gtids_before: str
    gtids_after: str
    first_gtid: str
    last_gtid: str
    began_at: str
    earliest_commit: str
    latest_commit: str
    transactions: int
    row_statements: int
    partial_images: int
    ending: str
    server: ServerIdentity
    server_version: str
    archived_at: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ArchivedBinlog:
        """Read what ``as_dict`` returned; raises ``KeyError``, ``TypeError`` or ``ValueError`` on anything else."""
        if values["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"its schema_version is {values['schema_version']}, not {SCHEMA_VERSION}")
        known = {name: values[name] for name in cls.__dataclass_fields__}
        return cls(**{**known, "server": ServerIdentity(**known["server"])})


def index_path(folder: Path, name: str) -> Path:
    """Return where the archive remembers a log."""
    return folder / f"{name}{INDEX_SUFFIX}"


def write_entry(folder: Path, entry: ArchivedBinlog) -> None:
    """Take a log into the archive, durably; its file is on the disk already."""
    write_json_atomically(index_path(folder, entry.name), entry.as_dict())


def read_entries(folder: Path) -> tuple[ArchivedBinlog, ...]:
    """Return the logs of an archive, oldest first; none where there is no archive.

    Raises:
        LifeboatError: ``binlog_archive_invalid``.
    """
    paths = [path for path in folder.glob(f"*{INDEX_SUFFIX}") if not path.name.startswith(".")]
    return tuple(sorted(map(_read_entry, paths), key=lambda entry: file_number(entry.name)))


def _read_entry(path: Path) -> ArchivedBinlog:
    try:
        return ArchivedBinlog.from_dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LifeboatError(
            f"Cannot use the archive of binary logs in {path.parent}: {path.name} cannot be understood ({error}). It "
            "was changed, or a newer release wrote it. Put it back from the off-site copy, or move the whole archive "
            "away and make a new backup set.",
            "binlog_archive_invalid",
            {"path": str(path)},
        ) from error
