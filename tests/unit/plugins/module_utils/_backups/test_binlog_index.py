"""What an archive remembers of each log."""

from __future__ import annotations

import json

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_index import (
    ArchivedBinlog,
    index_path,
    read_entries,
    write_entry,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.binlog_files import archived_binlog


def test_entries_are_read_in_the_order_of_their_numbers(tmp_path):
    entries = [archived_binlog(number) for number in (1_000_000, 9, 10)]
    for entry in entries:
        write_entry(tmp_path, entry)
    assert read_entries(tmp_path) == (entries[1], entries[2], entries[0])
    assert ArchivedBinlog.from_dict(entries[0].as_dict()) == entries[0]
    assert oct(index_path(tmp_path, "binlog.000009").stat().st_mode)[-3:] == "600"


def test_there_need_be_no_archive(tmp_path):
    assert read_entries(tmp_path / "none") == ()
    (tmp_path / ".binlog.000001.json.x").write_text("a write that was killed")
    assert read_entries(tmp_path) == ()


@pytest.mark.parametrize("change", ["{", "[]", '{"schema_version": 1}', "newer", "without"])
def test_what_cannot_be_understood_is_refused(tmp_path, change):
    entry = archived_binlog(1)
    values = entry.as_dict()
    if change == "newer":
        values["schema_version"] = 2
    if change == "without":
        del values["server"]["hostname"]
    text = json.dumps(values) if change in ("newer", "without") else change
    index_path(tmp_path, entry.name).write_text(text)
    with pytest.raises(LifeboatError, match=r"binlog\.000001\.json cannot be understood") as caught:
        read_entries(tmp_path)
    assert caught.value.error_code == "binlog_archive_invalid"
