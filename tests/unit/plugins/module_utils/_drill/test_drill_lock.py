"""The lock of a site's drills, and the note of the one that runs."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.lock import begin, drill_lock, running_drill
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

SITE = "a.b"
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=timezone.utc)


def test_a_drill_that_ended_leaves_no_note(tmp_path: Path) -> None:
    """And the next one finds nobody dead."""
    with drill_lock(tmp_path, SITE) as dead:
        assert dead is None
        begin(tmp_path, running_drill("d1", SITE, tmp_path / "scratch", NOW)).end()
    assert [path.name for path in (tmp_path / SITE).iterdir()] == ["drill.lock"]
    with drill_lock(tmp_path, SITE) as dead:
        assert dead is None


def test_a_drill_that_died_is_known_with_its_phase_and_its_scratch_folder(tmp_path: Path) -> None:
    """The kernel freed its lock."""
    with drill_lock(tmp_path, SITE):
        begin(tmp_path, running_drill("d1", SITE, tmp_path / "scratch", NOW)).note_phase("load")
    (tmp_path / SITE / ".drill.json.half").write_text("{")
    with drill_lock(tmp_path, SITE) as dead:
        assert dead is not None
        assert (dead.drill, dead.phase, dead.scratch) == ("d1", "load", str(tmp_path / "scratch"))
        assert dead.since == "2026-11-21T03:00:00Z"
    assert sorted(path.name for path in (tmp_path / SITE).iterdir()) == ["drill.json", "drill.lock"]


def test_a_second_drill_is_told_who_runs_the_first(tmp_path: Path) -> None:
    """Also in the moment before the first one has said so."""
    with drill_lock(tmp_path, SITE):
        with pytest.raises(LifeboatError, match="just beginning or ending") as refused, drill_lock(tmp_path, SITE):
            pass
        assert (refused.value.error_code, refused.value.details["holder"]) == ("drill_running", None)
        running = running_drill("d1", SITE, tmp_path / "scratch", NOW)
        begin(tmp_path, running)
        with pytest.raises(LifeboatError, match=rf"d1, begun by .* \(process {running.pid}\)"):
            drill_lock(tmp_path, SITE).__enter__()


def test_drills_of_two_sites_do_not_know_each_other(tmp_path: Path) -> None:
    """Each has a lock of its own."""
    with drill_lock(tmp_path, SITE), drill_lock(tmp_path, "c.d") as dead:
        assert dead is None


def test_the_note_is_json_for_its_owner_alone(tmp_path: Path) -> None:
    """A person can read who runs it."""
    with drill_lock(tmp_path, SITE):
        begin(tmp_path, running_drill("d1", SITE, tmp_path / "scratch", NOW))
    note = tmp_path / SITE / "drill.json"
    assert note.stat().st_mode & 0o777 == 0o600
    assert json.loads(note.read_text())["site"] == SITE
