"""Rows that are kept in a file before they are deleted: compressed lines of JSON, one a row."""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from .._system.errors import LifeboatError
from .._system.files import fsync_folder, make_private_folder


class RowArchive:
    """One file; each batch is whole and on the disk when ``write`` returns.

    A batch is a member of its own of the gzip file: a kill or a full disk can leave a part of the last one alone, and
    none of its rows was deleted. All that was written before can be read.

    Args:
        path: The file, which is made with its folder when the first rows come.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append rows durably.

        Raises:
            LifeboatError: ``disk_space`` when they cannot be written.
        """
        lines = "".join(json.dumps({"table": table, "row": row}, default=_json) + "\n" for row in rows)
        if not lines:
            return
        try:
            make_private_folder(self.path.parent)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "ab") as stream:
                stream.write(gzip.compress(lines.encode()))
                stream.flush()
                os.fsync(stream.fileno())
            fsync_folder(self.path.parent)
        except OSError as error:
            raise LifeboatError(
                f"Cannot archive old rows to {self.path}: {error.strerror}. None of them was deleted. Make room there, "
                "or archive elsewhere, or nowhere.",
                "disk_space",
                {"path": str(self.path)},
            ) from error


def _json(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, date):  # a datetime as well
        return value.isoformat()
    if isinstance(value, (Decimal, timedelta)):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
