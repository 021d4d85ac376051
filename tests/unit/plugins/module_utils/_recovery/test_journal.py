"""The journal of a recovery."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import journal as journal_module
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Entry, Journal, journals
from ansible_collections.lifeboat.frappe.plugins.module_utils._system import files
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

SITE, RECOVERY = "erp.localhost", "20261121T031522Z-9f3a"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal.open(tmp_path / "state", SITE, RECOVERY, clock=lambda: 1_795_230_922.25)


def path_of(journal: Journal) -> Path:
    return journal.folder / "journal.jsonl"


def test_journal_that_is_only_read_is_not_created(journal: Journal, tmp_path: Path) -> None:
    assert journal.entries() == []
    assert journal.fact("plan") is None
    assert not journal.is_done("load")
    assert not (tmp_path / "state").exists()


def test_entries_are_lines_of_json_in_a_private_folder(journal: Journal) -> None:
    journal.append("load", "begin", staging_database="_0123456789abcdef")
    journal.append("load", "done", rows=3)
    lines = path_of(journal).read_text().splitlines()
    assert json.loads(lines[1]) == {
        "at": "2026-11-21T03:15:22.250+00:00",
        "step": "load",
        "event": "done",
        "facts": {"rows": 3},
    }
    assert journal.entries()[1] == Entry("2026-11-21T03:15:22.250+00:00", "load", "done", {"rows": 3})
    assert path_of(journal).stat().st_mode & 0o777 == 0o600
    assert {folder.stat().st_mode & 0o777 for folder in (journal.folder, journal.folder.parent)} == {0o700}
    assert journal.recovery == RECOVERY


def test_every_line_is_on_the_disk_before_the_trap_is_called(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    happened: list[str] = []
    monkeypatch.setattr(journal_module, "append_line_durably", lambda *_: happened.append("line"))
    for module in (journal_module, files):
        monkeypatch.setattr(module, "fsync_folder", lambda folder: happened.append(f"folder {folder.name}"))
    trapped = Journal.open(tmp_path / "s", SITE, RECOVERY, trap=lambda step, event: happened.append(f"{step} {event}"))
    trapped.append("load", "begin")
    trapped.append("load", "done")
    assert happened == [
        f"folder {tmp_path.name}",
        "folder s",
        f"folder {SITE}",
        f"folder {RECOVERY}",
        "line",
        "load begin",
        "line",
        "load done",
    ]
    assert journal.entries() == []


@pytest.mark.parametrize("kept_bytes", [0, 1, 30, -1])
def test_last_line_that_a_kill_cut_short_was_never_written(journal: Journal, kept_bytes: int) -> None:
    journal.append("load", "begin")
    whole = path_of(journal).read_bytes()
    path_of(journal).write_bytes(whole + whole[:kept_bytes])
    assert [entry.event for entry in journal.entries()] == ["begin"]
    again = Journal(journal.folder)
    again.append("load", "done")
    assert [entry.event for entry in again.entries()] == ["begin", "done"]


@pytest.mark.parametrize("damage", [b"}{\n", b'{"at": "now", "level": 3}\n', b"\xff\xfe\n", b"[1]\n"])
def test_damaged_line_is_not_passed_over(journal: Journal, damage: bytes) -> None:
    journal.append("load", "begin")
    path_of(journal).write_bytes(damage + path_of(journal).read_bytes())
    with pytest.raises(LifeboatError) as error:
        journal.entries()
    assert error.value.error_code == "journal_damaged"


def test_step_writes_begin_and_done_with_what_was_found(journal: Journal) -> None:
    with journal.step("load", tables=2) as found:
        found["rows"] = 7
    begin, done = journal.entries()
    assert (begin.event, begin.facts) == ("begin", {"tables": 2})
    assert done.event == "done"
    assert done.facts["rows"] == 7
    assert done.facts["seconds"] >= 0
    assert journal.is_done("load")
    assert journal.fact("tables") == 2


@pytest.mark.parametrize(
    ("error", "code"), [(LifeboatError("no", "disk_space"), "disk_space"), (KeyboardInterrupt(), "KeyboardInterrupt")]
)
def test_step_that_fails_says_why(journal: Journal, error: BaseException, code: str) -> None:
    with pytest.raises(type(error)), journal.step("load"):
        raise error
    assert journal.entries()[-1].event == "failed"
    assert journal.fact("error_code") == code
    assert not journal.is_done("load")


def test_last_value_of_a_fact_counts(journal: Journal) -> None:
    journal.append("begin", "done", plan={"site": SITE}, staging_database="_a")
    journal.append("load", "begin", staging_database="_b")
    assert journal.fact("staging_database") == "_b"
    assert journal.plan() == {"site": SITE}


def test_recovery_that_was_never_begun_has_no_plan(journal: Journal) -> None:
    with pytest.raises(LifeboatError) as error:
        journal.plan()
    assert error.value.error_code == "recovery_unknown"


def test_journals_of_a_site_come_oldest_first(tmp_path: Path) -> None:
    for recovery in ("20261121T031522Z-0001", "20250101T000000Z-ffff"):
        Journal.open(tmp_path, SITE, recovery).append("recovery", "begin")
    (tmp_path / SITE / "lock").touch()
    (tmp_path / SITE / "20260101T000000Z-0000").mkdir()
    found = [journal.recovery for journal in journals(tmp_path, SITE)]
    assert found == ["20250101T000000Z-ffff", "20261121T031522Z-0001"]
    assert journals(tmp_path, "other.localhost") == []


@pytest.mark.parametrize(("site", "recovery"), [("..", RECOVERY), (SITE, "../other"), (SITE, ".."), ("a\0", RECOVERY)])
def test_names_do_not_lead_out_of_the_state(tmp_path: Path, site: str, recovery: str) -> None:
    with pytest.raises(LifeboatError) as error:
        Journal.open(tmp_path, site, recovery)
    assert error.value.error_code == "path_unsafe"


@pytest.mark.promise(9)
def test_a_failure_is_told_though_a_full_disk_does_not_take_the_note_of_it(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def fail_on_a_full_disk() -> None:
        with journal.step("load"):
            monkeypatch.setattr(journal_module, "append_line_durably", no_room)
            raise LifeboatError("what failed", "proof_failed")

    with pytest.raises(LifeboatError, match="what failed"):
        fail_on_a_full_disk()
    assert [entry.event for entry in journal.entries()] == ["begin"]
