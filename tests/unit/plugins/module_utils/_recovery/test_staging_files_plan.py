from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.promotion_state import NOT_BEGUN, PROMOTED
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.staging_files import (
    FilesPlan,
    StagedArchive,
    plan_absent,
    plan_present,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

PUBLIC = {"kind": "files", "path": "/backups/f.tar", "size_bytes": 10, "encrypted": False}
PRIVATE = {"kind": "private_files", "path": "/backups/p.tar", "size_bytes": 20, "encrypted": False}
DUMP = {"kind": "database", "path": "/backups/d.sql.gz", "size_bytes": 30, "encrypted": False}
COUNTED = {"files": {"files": 1, "bytes": 5}, "private_files": {"files": 2, "bytes": 7}}
CHOSEN = {"artifacts": [DUMP, PRIVATE, PUBLIC], "files": COUNTED}
SITE = Bench(Path("/bench")).site("a.b")


def plan(chosen=None, *, is_done=False, is_there=False, status=NOT_BEGUN):
    return plan_present(CHOSEN if chosen is None else chosen, is_done=is_done, is_there=is_there, status=status)


def test_both_archives_are_extracted_public_first():
    planned = plan()
    assert planned.archives == (
        StagedArchive("files", "/backups/f.tar", 10, 1, 5),
        StagedArchive("private_files", "/backups/p.tar", 20, 2, 7),
    )
    assert (planned.removes, planned.kept_kinds, planned.is_empty) == (False, (), False)
    assert planned.counts() == {"files": 3, "bytes": 12}
    assert planned.as_dict()["extracts"][0]["path"] == "/backups/f.tar"


def test_what_a_kill_left_is_removed_first():
    assert plan(is_there=True).removes


def test_what_is_done_is_not_done_again():
    assert plan(is_done=True, is_there=True).is_empty
    assert not plan(is_done=True, is_there=False).is_empty


def test_after_a_promotion_the_folder_is_left_alone():
    assert plan(is_there=True, status=PROMOTED).is_empty


def test_a_set_without_an_archive_keeps_the_live_files():
    only_public = plan({"artifacts": [DUMP, PUBLIC], "files": COUNTED})
    assert (only_public.kept_kinds, len(only_public.archives)) == (("private_files",), 1)
    nothing = {"artifacts": [DUMP], "files": {}}
    assert plan(nothing, is_done=True).is_empty
    assert plan(nothing).kept_kinds == ("files", "private_files")


def test_staged_files_are_removed_once():
    assert plan_absent(SITE, "r", is_there=True, status=NOT_BEGUN) == FilesPlan(removes=True)
    assert plan_absent(SITE, "r", is_there=False, status=PROMOTED).is_empty


def test_the_way_back_is_not_removed():
    with pytest.raises(LifeboatError) as failure:
        plan_absent(SITE, "r", is_there=True, status=PROMOTED)
    assert failure.value.error_code == "files_in_use"
