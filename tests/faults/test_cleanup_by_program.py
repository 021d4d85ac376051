"""The journal and the cache of apt go by the programs that look after them: by_program, rules/apt_cache."""

from __future__ import annotations

import json
import multiprocessing
import os
import pwd
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.catalogue import TASK_RULES, chosen_tasks
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.choice import Caps
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.plan import decode_plan, digest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.planning import CleanupRequest, make_plan
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.run import run_clean
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.tasks import Task
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult

from tests import cleanup_runs
from tests.cleanup_folder import make_bench

NOW = time.time()
MACHINE = "0123456789abcdef" * 2


def archived(age_days: float, number: int) -> str:
    return f"system@{MACHINE}-{number:016x}-{int((NOW - age_days * 86400) * 1e6):016x}.journal"


class Journal:
    """A journal with old files."""

    rule = "journal"
    age_days = 0
    program = "journalctl"

    def __init__(self, root: Path) -> None:
        folder = root / "var" / "log" / "journal" / MACHINE
        self.kept = {folder / "system.journal", folder / archived(3, 3), folder / "notes.txt"}
        self.old = {folder / archived(30, 1), folder / archived(20, 2)}


class AptCache:
    """A cache of apt with packages."""

    rule = "apt_cache"
    age_days = 0
    program = "apt-get"

    def __init__(self, root: Path) -> None:
        folder = root / "var" / "cache" / "apt" / "archives"
        self.kept = {folder / "lock", root / "var" / "cache" / "apt" / "notes.txt"}
        self.old = {folder / "a_1_amd64.deb", folder / "partial" / "b_1_all.deb"}


class TemporaryFiles:
    """Folders for temporary files, of which those go that were not changed for ten days."""

    rule = "temporary_files"
    program = "systemd-tmpfiles"
    age_days = 20

    def __init__(self, root: Path) -> None:
        self.kept = {root / "tmp" / "kept-for-ever", root / "tmp" / "folder of mine" / "kept-too", root / "srv" / "a"}
        self.old = {root / "tmp" / "a", root / "var" / "tmp" / "b" / "c"}
        settings = root / "etc" / "tmpfiles.d" / "a.conf"
        settings.parent.mkdir(parents=True)
        settings.write_text("e /tmp - - - m:10d\ne /var/tmp - - - m:10d\nx /tmp/kept-*\nX /tmp/*/kept-too\n")


@pytest.fixture(params=[Journal, AptCache, TemporaryFiles], ids=lambda kind: kind.rule)
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    found = request.param(tmp_path)
    for path in found.kept | found.old:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x" * 9000)
        os.utime(path, (NOW, NOW - found.age_days * 86400))
    return found


def request_of(kind: Any, root: Path, **changes: Any) -> CleanupRequest:
    return CleanupRequest(
        **{
            "state_path": root / "state",
            "benches": [],
            "ages": {},
            "caps": Caps(10**9, 100),
            "timeout_seconds": 600,
            "protected": (),
            "quarantine": False,
            "grace_days": 7,
            "now": NOW,
            "tasks": chosen_tasks({kind.rule: {}}),
            "root": root,
            **changes,
        }
    )


def task_for(kind: Any, root: Path) -> Task:
    request = request_of(kind, root)
    (task,) = TASK_RULES[kind.rule].plan(request.context, request.tasks[kind.rule])
    return task


def left(kind: Any) -> int:
    return sum(path.exists() for path in kind.old)


def needs(kind: Any) -> None:
    if shutil.which(kind.program) is None:
        pytest.skip(f"{kind.program} is not installed: its own cleaning cannot be tested")


@pytest.mark.promise(25)
def test_old_files_go_once(kind: Any, tmp_path: Path) -> None:
    needs(kind)
    request = request_of(kind, tmp_path)
    planned = run_clean(request, None, check_mode=True)
    assert planned["rules"][kind.rule]["items"] == 2
    assert planned["rules"][kind.rule]["bytes"] >= 18000
    assert left(kind) == 2
    done = run_clean(request, None, check_mode=False)
    assert [(task["outcome"], task["count"]) for task in done["tasks"]] == [("done", 2)]
    assert left(kind) == 0
    assert all(path.exists() for path in kind.kept)
    assert not run_clean(request, None, check_mode=False)["changed"]


@pytest.mark.promise(11)
def test_killed_cleanup_is_completed_by_the_next(kind: Any, tmp_path: Path) -> None:
    needs(kind)

    def run(arguments: Sequence[str]) -> CommandResult:
        min(kind.old).unlink()  # the program had begun
        os.kill(os.getpid(), signal.SIGKILL)
        return CommandResult(tuple(arguments), 0, "", "")

    task, context = task_for(kind, tmp_path), request_of(kind, tmp_path).context

    def clean() -> None:
        TASK_RULES[kind.rule].apply(replace(context, run=run), task, 1e12)

    process = multiprocessing.get_context("fork").Process(target=clean)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert run_clean(request_of(kind, tmp_path), None, check_mode=False)["tasks"][0]["count"] == 1
    assert left(kind) == 0


@pytest.mark.promise(11)
@pytest.mark.promise(25)
def test_killed_cleanup_of_tool_caches_is_completed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program stands in for yarn: it removes one package after another, and is killed with the cleanup."""
    account = pwd.struct_passwd(("frappe", "x", os.geteuid(), os.getegid(), "", str(tmp_path), "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda _user: account)
    cache, kept = tmp_path / ".cache" / "yarn", tmp_path / ".cache" / "others" / "x"
    for path in (*(cache / f"v6-{number}" / "index.js" for number in range(3)), kept):
        path.parent.mkdir(parents=True)
        path.write_text("x" * 9000)
    program = tmp_path / "bin" / "yarn"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    request = cleanup_runs.request_of(tmp_path, [make_bench(tmp_path)], {"tool_caches": {}})

    def clean() -> dict[str, Any]:
        return run_clean(request, None, check_mode=False)

    program.write_text(f"#!/bin/sh\nrm -r {cache}/v6-0\nkill -9 $PPID\n")
    program.chmod(0o755)
    process = multiprocessing.get_context("fork").Process(target=clean)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    program.write_text(f"#!/bin/sh\nrm -r {cache}/*\n")
    assert clean()["tasks"][0]["count"] == 2
    assert (list(cache.iterdir()), kept.exists()) == ([], True)
    assert not clean()["changed"]


def test_program_that_fails_is_an_error(kind: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    missing = run_clean(request_of(kind, tmp_path), None, check_mode=False)
    assert (missing["changed"], missing["refused"][0]["error_code"]) == (False, "command_missing")
    program = tmp_path / "bin" / kind.program
    program.write_text("#!/bin/sh\nexit 100\n")
    program.chmod(0o755)
    failed = run_clean(request_of(kind, tmp_path), None, check_mode=False)
    assert failed["refused"][0]["error_code"] == "command_failed"
    assert f"{kind.program} ended with 100" in failed["refused"][0]["reason"]
    assert left(kind) == 2


def test_plan_that_wants_more_of_the_journal_takes_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for path in journal.old:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    request = request_of(journal, tmp_path)
    planned = json.loads(run_clean(request, None, check_mode=True)["plan"])
    planned["tasks"][0]["parameters"]["age_seconds"] = 1
    content = json.dumps(planned).encode()
    forged = decode_plan(content, digest(content), planned["host"])
    assert run_clean(request, forged, check_mode=False)["refused"][0]["error_code"] == "plan_refused"
    assert left(journal) == 2


def test_temporary_file_that_is_new_or_open_stays(tmp_path: Path) -> None:
    kind = TemporaryFiles(tmp_path)
    needs(kind)
    opened, changed = tmp_path / "tmp" / "an open [file]", tmp_path / "tmp" / "changed"
    for path in (opened, changed, *kind.old):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        os.utime(path, (NOW, NOW - 20 * 86400))
    (tmp_path / "tmp" / "link").symlink_to(tmp_path / "etc")
    with opened.open():
        plan = make_plan(request_of(kind, tmp_path))
        assert plan.tasks[0].count == 3
        changed.write_text("again")
        done = run_clean(request_of(kind, tmp_path), plan, check_mode=False)
        assert [(task["outcome"], task["count"]) for task in done["tasks"]] == [("done", 2)]
    assert opened.exists()
    assert changed.exists()
    assert (tmp_path / "etc" / "tmpfiles.d" / "a.conf").exists()
    assert list((tmp_path / "run" / "tmpfiles.d").iterdir()) == []


def test_host_without_either_has_nothing_to_do(tmp_path: Path) -> None:
    for kind in (Journal, AptCache):
        assert not run_clean(request_of(kind, tmp_path), None, check_mode=False)["changed"]
