"""Files: a plan over a million of them against ``find -printf``, and a playbook against one with find and file."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cleanup_folder import DAY_SECONDS
from tests.tools.playbook_runs import LOCAL_HOST, run_playbook

from .measure import FOLDER, KIB, MEGABYTE, Targets, told

SITES = 100
RUNS = 5
FORMAT = r"%p %s %T@\n"
PLAYBOOKS = Path(__file__).resolve().parent / "playbooks"
# The targets that the README claims.
PLAN_RATIO = 1.5
PLAN_MEGABYTES = 200
SPEEDUP = 20.0


@dataclass(frozen=True)
class Planning:
    """What a plan cost: the module, the process with the start of Python and its imports, and its peak memory."""

    seconds: float
    process_seconds: float
    peak_bytes: int


def measure_plan(files: int) -> Targets:
    """Plan over a tree of files, in turns with find, print both, and return the targets."""
    bench_path = FOLDER / "frappe-bench"
    with told(f"making {files:,} files"):
        _make_bench(bench_path, files)
    find_seconds, plans = [], []
    with told(f"finding and planning, {RUNS} times each"):
        for _run in range(RUNS):
            find_seconds.append(_find(bench_path))
            plans.append(_plan(bench_path, files))
    with told("removing the files"):
        shutil.rmtree(bench_path)
    finding, planning = min(find_seconds), min(plan.seconds for plan in plans)
    ratio, peak = planning / finding, max(plan.peak_bytes for plan in plans) / MEGABYTE
    print(f"\n{files:,} files in {SITES} folders; the best of {RUNS} runs (their median)\n")
    for name, every in {
        f"find -printf '{FORMAT}'": find_seconds,
        "lifeboat.frappe.cleanup in check mode": [plan.seconds for plan in plans],
        "the same with the start of Python and all imports": [plan.process_seconds for plan in plans],
    }.items():
        print(f"{name:52}{min(every):>9.2f} s ({statistics.median(every):.2f} s){min(every) / finding:>8.2f}x")
    return (
        (
            ratio <= PLAN_RATIO,
            f"the plan in the time of find -printf: {ratio:.2f} times (target: {PLAN_RATIO} or less)",
        ),
        (peak < PLAN_MEGABYTES, f"peak memory of that: {peak:.0f} MB (target: less than {PLAN_MEGABYTES} MB)"),
    )


def compare_playbooks(files: int, contender_files: int) -> Targets:
    """Take old logs away with our module, and with find and file, print both, and return the target."""
    with told(f"taking {files:,} files away by lifeboat.frappe.cleanup"):
        own = _playbook("cleanup_by_module.yml", files)
    with told(f"taking {contender_files:,} files away by ansible.builtin.find and ansible.builtin.file"):
        start = _playbook("cleanup_by_loop.yml", 0)
        each = (_playbook("cleanup_by_loop.yml", contender_files) - start) / contender_files
    other = start + each * files
    print(f"\n{files:,} files, a playbook on a local connection\n")
    # In proportion: that favours the other one, whose results of a loop cost more the more there are.
    scaled = f"  {start:.1f} s, and {each * 1000:.0f} ms a file, measured with {contender_files:,}"
    print(f"{'lifeboat.frappe.cleanup':52}{own:>9.1f} s{other / own:>8.1f}x")
    print(f"{'find, and file in a loop':52}{other:>9.1f} s{1:>8.1f}x{scaled}")
    speedup = other / own
    return ((speedup >= SPEEDUP, f"as fast as find and file: {speedup:.0f} times (target: {SPEEDUP:g} or more)"),)


def _make_bench(bench_path: Path, files: int) -> None:
    """Make a bench whose sites have so many rotated logs, of many ages."""
    now = time.time()
    for name in ("apps", "env", "logs"):
        (bench_path / name).mkdir(parents=True)
    for site in range(SITES):
        logs = bench_path / "sites" / f"site{site:03}.example" / "logs"
        logs.mkdir(parents=True)
        (logs.parent / "site_config.json").write_text("{}")
        _make_logs(logs, files // SITES, now)
    (bench_path / "sites" / "common_site_config.json").write_text("{}")


def _make_logs(folder: Path, count: int, now: float) -> None:
    for number in range(count):
        path = f"{folder}/frappe.log.{number}"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT))
        modified = now - (31 + number % 300) * DAY_SECONDS - number
        os.utime(path, (modified, modified))


def _find(bench_path: Path) -> float:
    began = time.monotonic()
    command = ["find", bench_path, "-type", "f", "-printf", FORMAT]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def _plan(bench_path: Path, files: int) -> Planning:
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.benchmark.cleanup_planner", str(bench_path), str(FOLDER / "state")]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    process_seconds, answer = time.monotonic() - began, json.loads(done.stdout)
    if answer["files"] != files - 5 * SITES:
        raise RuntimeError(f"the plan counts {answer['files']} files")
    return Planning(answer["seconds"], process_seconds, answer["peak_kib"] * KIB)


def _playbook(name: str, files: int) -> float:
    bench_path = FOLDER / "frappe-bench"
    for folder in ("apps", "env", "logs", "sites"):
        (bench_path / folder).mkdir(parents=True)
    (bench_path / "sites" / "common_site_config.json").write_text("{}")
    _make_logs(bench_path / "logs", files, time.time())
    inventory = FOLDER / "hosts"
    inventory.write_text(LOCAL_HOST)
    began = time.monotonic()
    variables = {"benchmark_bench_path": str(bench_path), "benchmark_state_path": str(FOLDER / "state")}
    run = run_playbook(PLAYBOOKS / name, inventory, variables)
    seconds = time.monotonic() - began
    left = len(list((bench_path / "logs").iterdir()))
    shutil.rmtree(bench_path)
    if run.exit_code or left:
        raise RuntimeError(f"{name} left {left} files:\n{run.output[-4000:]}")
    return seconds
