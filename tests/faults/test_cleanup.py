"""A cleanup that is killed, or finds something else than it planned for, loses nothing that it was not to take."""

from __future__ import annotations

import multiprocessing
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import file_run
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import run as cleanup_run
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.catalogue import chosen_ages
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.choice import Caps
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.clock import jump_seconds, refuse_clock_ahead
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.planning import CleanupRequest, make_plan
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.run import run_clean, run_undo
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests import cleanup_runs
from tests.cleanup_folder import make_bench, make_file
from tests.small_disk import small_disk

FILES = 12


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench, now = make_bench(tmp_path), time.time()
    for number in range(FILES):
        make_file(bench.path / "logs" / f"web.log.{number}", now, 40 + number, content=f"content {number}")
    make_file(bench.path / "logs" / "web.log", now, 60)
    return bench


def request_of(bench: Bench, *, quarantine: bool) -> CleanupRequest:
    return CleanupRequest(
        state_path=bench.path.parent / "state",
        benches=[bench],
        ages=chosen_ages({"bench_logs": {"keep_newest": 2}}),
        caps=Caps(10**9, 100),
        timeout_seconds=600,
        protected=(),
        quarantine=quarantine,
        grace_days=7,
        now=time.time(),
    )


def rotated(bench: Bench) -> dict[str, str]:
    return {path.name: path.read_text() for path in (bench.path / "logs").glob("web.log.*")}


def killed_after(count: int, request: CleanupRequest) -> None:
    """Clean up in a process of its own that ends, as by kill -9, when so many files are gone."""

    def clean() -> None:
        take_away = file_run.take_away
        taken = 0

        def counted(*arguments: Any) -> str:
            nonlocal taken
            outcome = take_away(*arguments)
            taken += 1
            if taken == count:
                os.kill(os.getpid(), signal.SIGKILL)
            return outcome

        file_run.take_away = counted
        run_clean(request, None, check_mode=False)

    process = multiprocessing.get_context("fork").Process(target=clean)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.promise(11)
@pytest.mark.parametrize("count", [1, 5, FILES - 2])
def test_killed_run_is_completed_by_the_next(bench: Bench, count: int) -> None:
    before = rotated(bench)
    killed_after(count, request_of(bench, quarantine=False))
    assert len(rotated(bench)) == FILES - count
    assert run_clean(request_of(bench, quarantine=False), None, check_mode=False)["changed"] == (count < FILES - 2)
    assert rotated(bench) == {name: before[name] for name in ("web.log.0", "web.log.1")}, "the newest stay"
    assert (bench.path / "logs" / "web.log").exists()
    assert not run_clean(request_of(bench, quarantine=False), None, check_mode=False)["changed"]


@pytest.mark.promise(11)
@pytest.mark.promise(25)
@pytest.mark.parametrize("rule", ["bench_logs", "package_caches", "site_logs"])
def test_killed_run_of_each_class_of_files_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    home, bench, now = tmp_path / "home", make_bench(tmp_path), time.time()
    account = pwd.struct_passwd(("frappe", "x", os.geteuid(), os.getegid(), "", str(home), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _user: account)
    folders = {
        "bench_logs": bench.path / "logs",
        "package_caches": home / ".cache" / "pip",
        "site_logs": bench.site("a.example").path / "logs",
    }
    for folder in folders.values():
        for number in range(FILES):
            make_file(folder / f"web.log.{number}", now, 100 + number)
    request = cleanup_runs.request_of(tmp_path, [bench], {rule: {"keep_newest": 0}})
    killed_after(5, request)
    assert {name: len(list(folder.iterdir())) for name, folder in folders.items()} == {
        name: FILES - 5 * (name == rule) for name in folders
    }
    assert run_clean(request, None, check_mode=False)["outcomes"] == {"removed": FILES - 5}
    assert {name for name, folder in folders.items() if any(folder.iterdir())} == set(folders) - {rule}
    assert not run_clean(request, None, check_mode=False)["changed"]


@pytest.mark.promise(11)
@pytest.mark.parametrize("count", [1, 5, FILES - 2])
def test_killed_run_can_be_undone(bench: Bench, count: int) -> None:
    before = rotated(bench)
    request = request_of(bench, quarantine=True)
    killed_after(count, request)
    (run,) = (path.stem for path in (request.state_path / "cleanup").iterdir())
    assert run_undo(request, run, check_mode=False)["outcomes"]["restored"] == count
    assert rotated(bench) == before


def test_link_between_plan_and_apply_is_not_followed(bench: Bench) -> None:
    request = request_of(bench, quarantine=False)
    plan = make_plan(request)
    victim = make_file(bench.path / "precious.txt", time.time(), 40, content="content 5")
    swapped = bench.path / "logs" / "web.log.5"
    # Were it deleted, another process could get the number of its inode, and have that file open.
    swapped.rename(bench.path / "elsewhere")
    swapped.symlink_to(victim)
    done = run_clean(request, plan, check_mode=False)
    assert done["stayed"] == [{"path": str(swapped), "reason": "unsafe"}]
    assert victim.read_text() == "content 5"
    assert swapped.is_symlink()


def test_folder_that_became_a_link_is_not_followed(bench: Bench) -> None:
    request = request_of(bench, quarantine=False)
    plan = make_plan(request)
    elsewhere = bench.path / "elsewhere"
    (bench.path / "logs").rename(elsewhere)
    (bench.path / "logs").symlink_to(elsewhere)
    done = run_clean(request, plan, check_mode=False)
    assert done["outcomes"] == {"protected": FILES - 2}, "the rule looks after another folder now"
    assert len(list(elsewhere.iterdir())) == FILES + 1


@pytest.mark.promise(25)
def test_clock_in_the_future_deletes_nothing(bench: Bench) -> None:
    request = request_of(bench, quarantine=False)
    ahead = CleanupRequest(**{**vars(request), "now": request.now + 3650 * 86400})
    with pytest.raises(LifeboatError, match="days ahead"):
        run_clean(ahead, None, check_mode=False)
    assert len(rotated(bench)) == FILES


@pytest.mark.promise(25)
def test_clock_that_jumped_while_everything_was_written_deletes_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other programs write by the same clock: soon only the start of the host tells that it is wrong."""
    memory, ahead = tmp_path / "run", time.time() + 3650 * 86400
    written = make_file(memory / "written since", ahead, 0)
    assert written.stat().st_mtime > ahead - 60
    monkeypatch.setattr(
        cleanup_run,
        "refuse_clock_ahead",
        partial(refuse_clock_ahead, witnesses=[memory], jump=lambda now: jump_seconds(now, 60.0, memory)),
    )
    request = CleanupRequest(**{**vars(request_of(bench, quarantine=False)), "now": ahead})
    with pytest.raises(LifeboatError, match=r"was set ahead by 36\d\d\.\d days since the host was started"):
        run_clean(request, None, check_mode=False)
    assert len(rotated(bench)) == FILES


@pytest.mark.promise(25)
def test_clock_in_the_future_lets_no_reviewed_plan_and_no_grace_pass(bench: Bench) -> None:
    before = rotated(bench)
    request = request_of(bench, quarantine=True)
    done = run_clean(request, None, check_mode=False)
    assert done["outcomes"] == {"quarantined": FILES - 2}
    ahead = CleanupRequest(**{**vars(request), "now": request.now + 3650 * 86400})
    with pytest.raises(LifeboatError, match="days ahead") as refused:
        run_clean(ahead, make_plan(request), check_mode=False)
    assert refused.value.error_code == "clock_ahead"
    assert run_undo(request, done["run"], check_mode=False)["outcomes"] == {"restored": FILES - 2}
    assert rotated(bench) == before


def test_file_system_that_became_read_only_stops_nothing_else(tmp_path: Path, bench: Bench) -> None:
    with small_disk(tmp_path / "disk"):
        other, now = make_bench(tmp_path / "disk"), time.time()
        for number in range(4):
            make_file(other.path / "logs" / f"web.log.{number}", now, 40 + number)
        request = cleanup_runs.request_of(tmp_path, [other, bench], {"bench_logs": {"keep_newest": 2}})
        plan = make_plan(request)
        subprocess.run(["mount", "-o", "remount,ro", tmp_path / "disk"], check=True)
        done = run_clean(request, plan, check_mode=False)
        assert done["outcomes"] == {"read-only file system": 2, "removed": FILES - 2}
        assert any(line.endswith("web.log.3: read-only file system") for line in done["lines"])
        assert (len(rotated(other)), len(rotated(bench))) == (4, 2)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Bench]:
    """A bench on a disk without a byte left."""
    with small_disk(tmp_path / "disk") as fill:
        bench, now = make_bench(tmp_path / "disk"), time.time()
        for number in range(4):
            make_file(bench.path / "logs" / f"web.log.{number}", now, 40 + number, content="x" * 100_000)
        fill()
        yield bench


@pytest.mark.promise(9)
def test_full_disk_does_not_stop_the_cleanup_that_frees_it(full_disk: Bench) -> None:
    with pytest.raises(LifeboatError, match="without quarantine") as refused:
        run_clean(request_of(full_disk, quarantine=True), None, check_mode=False)
    assert refused.value.error_code == "disk_space"
    assert len(rotated(full_disk)) == 4
    done = run_clean(request_of(full_disk, quarantine=False), None, check_mode=False)
    assert done["outcomes"] == {"removed": 2}
    assert done["reclaimed_bytes"] >= done["expected_bytes"] - 100_000
    assert len(rotated(full_disk)) == 2
