"""``cleanup`` on a bench made of files."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import run as cleanup_run
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.clock import refuse_clock_ahead
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.plan import digest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import read_records
from ansible_collections.lifeboat.frappe.plugins.modules import cleanup

from tests.cleanup_folder import make_bench, make_file
from tests.modules import run_module

RULES = {"bench_logs": {"older_than_days": 30, "keep_newest": 1}}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench, now = make_bench(tmp_path), time.time()
    for age_days in (10, 40, 50):
        make_file(bench.path / "logs" / f"web.log.{age_days}", now, age_days)
    make_file(bench.path / "logs" / "web.log", now, 60)
    return bench


def run(bench: Bench, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = {"bench_path": str(bench.path), "state_path": str(bench.path.parent / "state"), "rules": RULES, **options}
    return run_module(cleanup, check_mode=check_mode, **given)


def names(bench: Bench) -> list[str]:
    return sorted(path.name for path in (bench.path / "logs").iterdir() if path.is_file())


def test_old_logs_go_once(bench: Bench) -> None:
    done = run(bench)
    assert (done["changed"], done["outcomes"]) == (True, {"removed": 2})
    assert names(bench) == ["web.log", "web.log.10"]
    assert done["rules"]["bench_logs"] == {
        "items": 2,
        "bytes": 16384,
        "left_items": 0,
        "kept_items": 0,
        "days_gained": None,  # nobody has kept its growth
    }
    assert done["expected_bytes"] == 16384
    again = run(bench)
    assert (again["changed"], again["outcomes"]) == (False, {})
    (record,) = read_records(bench.path.parent / "state")
    assert (record["module"], record["outcomes"]) == ("cleanup", {"removed": 2})


def test_check_mode_gives_the_plan_and_writes_nothing(bench: Bench) -> None:
    planned = run(bench, check_mode=True)
    assert planned["changed"]
    assert planned["diff"]["before"]["items"] == [str(bench.path / "logs" / f"web.log.{age}") for age in (50, 40)]
    assert len(names(bench)) == 4
    assert not (bench.path.parent / "state").exists()


def test_reviewed_plan_is_applied_and_nothing_else(bench: Bench) -> None:
    planned = run(bench, check_mode=True)
    make_file(bench.path / "logs" / "web.log.90", time.time(), 90)
    make_file(bench.path / "logs" / "web.log.40", time.time(), 39, content="written to since the review")
    given = {"plan": planned["plan"], "plan_sha256": planned["plan_sha256"]}
    done = run(bench, rules={}, **given)
    assert done["outcomes"] == {"removed": 1, "changed": 1}
    assert done["stayed"] == [{"path": str(bench.path / "logs" / "web.log.40"), "reason": "changed"}]
    assert names(bench) == ["web.log", "web.log.10", "web.log.40", "web.log.90"]
    assert not run(bench, rules={}, **given)["changed"]
    assert run(bench, **{**given, "plan_sha256": "0" * 64})["error_code"] == "plan_refused"


def test_plan_that_names_something_else_takes_nothing(bench: Bench) -> None:
    """Whoever can change a plan before its review must not reach beyond the folders of the rules."""
    planned = json.loads(run(bench, check_mode=True)["plan"])
    victim = make_file(bench.path / "sites" / "a.example" / "private" / "files" / "x.pdf", time.time(), 90)
    status = victim.stat()
    identity = {"device": status.st_dev, "inode": status.st_ino, "size_bytes": 5000, "modified_ns": status.st_mtime_ns}
    planned["items"] = [
        {**planned["items"][0], "root": str(root), "path": str(victim), "identity": identity}
        for root in (victim.parent, bench.path / "logs")
    ]
    content = json.dumps(planned)
    done = run(bench, plan=content, plan_sha256=digest(content.encode()))
    assert done["outcomes"] == {"protected": 2}
    assert victim.exists()


def test_plan_that_names_the_log_itself_takes_nothing(bench: Bench) -> None:
    """The folder is the rule's, the file is not: a log that is being written."""
    planned = json.loads(run(bench, check_mode=True)["plan"])
    log = bench.path / "logs" / "web.log"
    status = log.stat()
    identity = {"device": status.st_dev, "inode": status.st_ino, "size_bytes": 5000, "modified_ns": status.st_mtime_ns}
    planned["items"] = [
        {**planned["items"][0], "path": str(path), "identity": identity} for path in (log, "/web.log.1")
    ]
    content = json.dumps(planned)
    assert run(bench, plan=content, plan_sha256=digest(content.encode()))["outcomes"] == {"protected": 2}
    assert log.exists()


def test_what_became_the_newest_since_the_review_stays(bench: Bench) -> None:
    planned = run(bench, check_mode=True)
    (bench.path / "logs" / "web.log.10").unlink()
    done = run(bench, plan=planned["plan"], plan_sha256=planned["plan_sha256"])
    assert done["outcomes"] == {"removed": 1, "one of the newest": 1}
    assert any(line.endswith("web.log.40: it is one of the newest by now, which stay") for line in done["lines"])
    assert names(bench) == ["web.log", "web.log.40"]


def test_open_file_stays(bench: Bench) -> None:
    with (bench.path / "logs" / "web.log.50").open():
        done = run(bench)
    assert done["rules"]["bench_logs"]["kept_items"] == 1
    assert names(bench) == ["web.log", "web.log.10", "web.log.50"]


def test_quarantine_is_undone_or_expires(bench: Bench) -> None:
    done = run(bench, quarantine=True)
    assert (done["outcomes"], done["expected_bytes"]) == ({"quarantined": 2}, 0)
    assert f"put back with: ansible-playbook lifeboat.frappe.cleanup -e undo={done['run']}" in done["lines"]
    shown = run(bench, check_mode=True, state="restored", run=done["run"])
    assert (shown["changed"], shown["lines"]) == (
        True,
        [f"2 files of {done['run']} would be put back, as far as they wait in quarantine"],
    )
    assert done["run"] in run(bench, state="restored", run="20000101T000000000000Z")["msg"], "which there are"
    assert names(bench) == ["web.log", "web.log.10"]
    assert run(bench, state="restored", run=done["run"])["outcomes"] == {"restored": 2}
    assert len(names(bench)) == 4
    assert run(bench, state="restored", run=done["run"])["error_code"] == "cleanup_unknown"
    run(bench, quarantine=True)
    shown = run(bench, check_mode=True, quarantine=True, grace_days=-1)
    assert (shown["changed"], shown["lines"][-1].partition(":")[0]) == (True, "1 run in quarantine for long enough")
    expired = run(bench, quarantine=True, grace_days=-1)
    assert (len(expired["expired_runs"]), expired["expired_bytes"]) == (1, 16384)
    assert not (bench.path / "logs" / ".lifeboat-quarantine").exists()
    assert not run(bench, quarantine=True, grace_days=-1)["changed"]


def test_what_was_put_in_the_place_keeps_the_old_file_in_quarantine(bench: Bench) -> None:
    done = run(bench, quarantine=True)
    (bench.path / "logs" / "web.log.40").write_text("newer")
    undone = run(bench, state="restored", run=done["run"])
    assert undone["outcomes"] == {"restored": 1, "occupied": 1}
    assert undone["lines"][-1].endswith("web.log.40: something else is in its place: move that away, and do this again")
    (bench.path / "logs" / "web.log.40").unlink()
    assert run(bench, state="restored", run=done["run"])["outcomes"] == {"restored": 1, "gone": 1}


def test_caps_leave_the_rest_for_the_next_run(bench: Bench) -> None:
    assert run(bench, max_items=1)["rules"]["bench_logs"]["left_items"] == 1
    assert run(bench, max_items=1)["outcomes"] == {"removed": 1}
    assert names(bench) == ["web.log", "web.log.10"]


def test_time_limit_leaves_the_rest_for_the_next_run(bench: Bench) -> None:
    assert run(bench, timeout_seconds=-1)["outcomes"] == {"out of time": 2}
    assert len(names(bench)) == 4


def test_share_of_a_folder_leaves_the_rest_for_the_next_run(bench: Bench) -> None:
    done = run(bench, max_percent=34)
    assert (done["outcomes"], done["rules"]["bench_logs"]["left_items"]) == ({"removed": 1}, 1)
    assert "1 more wait (max_bytes, max_items, max_percent)" in done["lines"][0]
    assert names(bench) == ["web.log", "web.log.10", "web.log.40"]


def test_file_that_stops_it_keeps_everything(bench: Bench) -> None:
    run(bench, quarantine=True, max_items=1)
    stop = bench.path.parent / "state" / "cleanup.stop"
    stop.touch()
    done = run(bench, quarantine=True, grace_days=-1)
    assert (done["changed"], done["lines"][-1]) == (False, f"{stop} is there: nothing goes until somebody removes it")
    assert names(bench) == ["web.log", "web.log.10", "web.log.40"]
    stop.unlink()
    assert run(bench)["outcomes"] == {"removed": 1}


def test_own_patterns_are_protected(bench: Bench) -> None:
    assert not run(bench, protected=["*/logs/*"])["changed"]


def test_second_cleanup_at_the_same_time_is_refused(bench: Bench) -> None:
    state_path = bench.path.parent / "state"
    with cleanup_run.alone(state_path):
        refused = run(bench)
        assert refused["error_code"] == "cleanup_running"
        assert f"is running (process {os.getpid()})" in refused["msg"]
    assert len(names(bench)) == 4


def test_unknown_rule_is_refused(bench: Bench) -> None:
    assert run(bench, rules={"all": {}})["error_code"] == "rule_invalid"


def test_clock_that_is_ahead_deletes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = time.time() + 400 * 86400
    monkeypatch.setattr(time, "time", lambda: ahead)
    assert run(bench)["error_code"] == "clock_ahead"
    assert len(names(bench)) == 4
    monkeypatch.undo()
    refuse_clock_ahead(time.time())
