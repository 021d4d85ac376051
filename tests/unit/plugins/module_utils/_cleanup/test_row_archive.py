"""Rows in a file before they are deleted."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.row_archive import RowArchive
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_rows_of_all_batches_are_read_back(tmp_path: Path) -> None:
    archive = RowArchive(tmp_path / "a.example" / "version.jsonl.gz")
    archive.write("tabVersion", [])
    assert not archive.path.exists()
    values = {
        "at": datetime.fromisoformat("2026-01-02T03:00:00"),
        "for": timedelta(hours=1),
        "sum": Decimal("1.50"),
        "bytes": b"\xff",
    }
    archive.write("tabVersion", [{"name": "a", **values}, {"name": "ä\n"}])
    archive.write("tabVersion", [{"name": "c"}])
    with gzip.open(archive.path, "rt") as stream:
        lines = [json.loads(line) for line in stream]
    first = {"name": "a", "at": "2026-01-02T03:00:00", "for": "1:00:00", "sum": "1.50", "bytes": "/w=="}
    assert [line["row"] for line in lines] == [first, {"name": "ä\n"}, {"name": "c"}]
    assert {line["table"] for line in lines} == {"tabVersion"}
    assert archive.path.stat().st_mode & 0o777 == 0o600


def test_value_that_no_table_has_is_a_mistake_of_the_program(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        RowArchive(tmp_path / "a").write("tabVersion", [{"name": object()}])


def test_archive_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LifeboatError, match="None of them was deleted") as refused:
        RowArchive(tmp_path / "link").write("tabVersion", [{"name": "a"}])
    assert refused.value.error_code == "disk_space"
