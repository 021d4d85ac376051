from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.files_archive import ArchiveResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.set_maker import MOST_NOTES, _notes


def test_what_archives_could_not_hold_is_said():
    assert _notes(ArchiveResult(left_out=["./a/link"], changed=["./a/cut"])) == [
        "./a/link is neither a file nor a folder and was left out.",
        "./a/cut was cut while it was read; zeros stand for its end.",
    ]
    assert _notes(ArchiveResult()) == []


def test_many_notes_are_cut_and_counted():
    notes = _notes(ArchiveResult(left_out=[f"./{number}" for number in range(MOST_NOTES + 7)]))
    assert len(notes) == MOST_NOTES + 1
    assert notes[-1] == "So it was with 7 more."
