from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.holder import holder_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.lock import SiteLock
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.maintenance import originals_path
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.files import (
    make_private_folder,
    write_json_atomically,
)

SITE = "a.example"


def test_nobody_holds_a_site_of_which_nothing_is_known(tmp_path: Path) -> None:
    assert holder_of(tmp_path, SITE) == ""


def test_whoever_has_the_lock_holds_it(tmp_path: Path) -> None:
    with SiteLock(tmp_path, SITE).hold("20261121T031522Z-9f3a"):
        assert "recovery 20261121T031522Z-9f3a, started by" in holder_of(tmp_path, SITE)
    assert holder_of(tmp_path, SITE) == ""


def test_recovery_that_did_not_end_holds_it(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, SITE, "20261121T031522Z-9f3a")
    journal.append("recovery", "begin")
    assert "20261121T031522Z-9f3a, which did not end" in holder_of(tmp_path, SITE)
    journal.append("recovery", "done")
    assert holder_of(tmp_path, SITE) == ""


def test_journal_that_cannot_be_read_holds_it(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, SITE, "20261121T031522Z-9f3a")
    journal.append("recovery", "begin")
    (journal.folder / "journal.jsonl").write_text("damaged\n")
    assert "Cannot read the journal" in holder_of(tmp_path, SITE)


def test_maintenance_of_the_module_holds_it(tmp_path: Path) -> None:
    path = originals_path(tmp_path, SITE)
    make_private_folder(path.parent)
    write_json_atomically(path, {"switches": {}, "complete": True})
    assert "site_maintenance" in holder_of(tmp_path, SITE)
