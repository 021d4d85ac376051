"""What a run of the cleanup looks at besides its files: the pressure on the disk, and how the disk grew."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import guard, planning
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import run as cleanup_run
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.planning import CleanupRequest, make_plan
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.registry import Place
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.run import apply_plan, run_clean
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.tasks import (
    DONE,
    Task,
    TaskContext,
    TaskOutcome,
    TaskRule,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.mounts import mount_of, parse_mounts

from tests.cleanup_folder import make_bench, make_file
from tests.cleanup_runs import request_of

FILES = 150


@pytest.fixture
def request_to_clean(tmp_path: Path) -> CleanupRequest:
    bench, now = make_bench(tmp_path), time.time()
    for number in range(FILES):
        make_file(bench.path / "logs" / f"web.log.{number}", now, 40, content="x")
    return request_of(tmp_path, [bench], {"bench_logs": {"keep_newest": 0}}, now=now)


def test_run_waits_while_others_wait_for_the_disk(request_to_clean: CleanupRequest) -> None:
    pressure = request_to_clean.root / "proc" / "pressure" / "io"
    pressure.parent.mkdir(parents=True)
    pressure.write_text("some avg10=80.00 avg60=0.00 avg300=0.00 total=1\n")
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds * 100)

    done = apply_plan(request_to_clean, make_plan(request_to_clean), lambda: sum(waited), pause)
    assert sum(waited) == 600, "not longer than the run may take"
    assert done["outcomes"] == {"removed": FILES}
    assert len(waited) == 6


def test_folder_may_go_with_what_is_in_it(
    request_to_clean: CleanupRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()

    def remove(_context: TaskContext, task: Task, _deadline: float) -> TaskOutcome:
        Path(task.folder).rmdir()
        return TaskOutcome(DONE, 1)

    rule = TaskRule("caches", "file", "caches", "nothing", settings=dict, plan=lambda *_: (), apply=remove)
    monkeypatch.setattr(cleanup_run, "TASK_RULES", {rule.id: rule})
    task = Task(rule.id, "a cache", 1, 0, 0, "it is old", {}, str(folder))
    done = apply_plan(request_to_clean, replace(make_plan(request_to_clean), tasks=(task,)))
    assert [task["outcome"] for task in done["tasks"]] == [DONE]
    assert not folder.exists()


def test_days_are_those_of_the_growth_that_the_health_checks_saw(request_to_clean: CleanupRequest) -> None:
    mounts = parse_mounts(Path("/proc/self/mountinfo").read_text())
    mount = mount_of(request_to_clean.root.resolve(), mounts)
    assert mount is not None
    request_to_clean.state_path.mkdir()
    runs = [
        {"at_seconds": request_to_clean.now - hours * 3600, "values": {f"H01|host|{mount.point}": 100.0}, "facts": {}}
        for hours in range(48, 0, -1)
    ]
    (request_to_clean.state_path / "health.jsonl").write_text("".join(f"{json.dumps(run)}\n" for run in runs))
    result = run_clean(request_to_clean, None, check_mode=True)
    (disk,) = result["disks"]
    assert disk["growth_bytes_a_day"] > 0
    assert disk["days_gained"] == round(disk["bytes"] / disk["growth_bytes_a_day"], 2)
    assert disk["available_after_bytes"] is None
    done = run_clean(request_to_clean, None, check_mode=False)
    assert done["disks"][0]["available_after_bytes"] > 0
    assert any(line.startswith(f"{mount.point} had ") for line in done["lines"])


def test_what_is_mounted_below_stays(
    request_to_clean: CleanupRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = request_to_clean.benches[0].path / "logs"
    mountinfo = tmp_path / "mountinfo"
    points = ("/", logs, logs / "web.log.other")
    mountinfo.write_text("\n".join(f"1 1 8:1 / {point} rw - ext4 /dev/sda1 rw" for point in points))
    monkeypatch.setattr(guard, "MOUNTINFO", mountinfo)
    monkeypatch.setattr(planning, "MOUNTINFO", mountinfo)
    make_file(logs / "web.log.other" / "web.log.1", request_to_clean.now, 40)
    make_file(logs / "web.log.other" / "web.log.2", request_to_clean.now, 40)
    (rule,) = (rule for rule in planning.RULES if rule.id == "bench_logs")
    deep = replace(rule, places=lambda _benches: [Place(logs, ("web.log.1", "web.log.2"))])
    monkeypatch.setattr(planning, "RULES", [deep])
    plan = make_plan(request_to_clean)
    assert [Path(item.path).parent.name for item in plan.items] == ["logs", "logs"]
    assert plan.summary()["bench_logs"]["kept_items"] == 2
