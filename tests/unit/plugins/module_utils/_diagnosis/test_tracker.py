"""What one look at the errors reads, on a bench made of files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.tracker import TrackerOptions, track_errors
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

KILLED = {"SYSLOG_IDENTIFIER": "kernel", "MESSAGE": "Out of memory: Killed process 7", "__CURSOR": "s=1"}


def journal(arguments: Sequence[str]) -> CommandResult:
    return CommandResult(tuple(arguments), 0, json.dumps(KILLED), "")


def no_journal(_arguments: Sequence[str]) -> CommandResult:
    raise LifeboatError("Cannot run journalctl: it is not installed.", "command_missing")


@pytest.fixture
def options(tmp_path: Path) -> TrackerOptions:
    bench = tmp_path / "frappe-bench"
    (bench / "sites").mkdir(parents=True)
    (bench / "sites" / "apps.txt").write_text("frappe")
    return TrackerOptions([Bench(bench)], state_path=tmp_path / "state", log_paths=("/var/log/nginx/error.log",))


def track(options: TrackerOptions, tmp_path: Path, **changes: Any) -> dict[str, Any]:
    surroundings = Surroundings(root=tmp_path, **{"runner": journal, **changes})
    return track_errors(options, [], surroundings, may_write=True)


def test_journal_and_logs_of_the_host_are_read(options: TrackerOptions, tmp_path: Path) -> None:
    log = tmp_path / "var" / "log" / "nginx" / "error.log"
    log.parent.mkdir(parents=True)
    log.write_text("2037/11/21 14:45:08 [error] 812#812: *31 upstream timed out\n")
    result = track(replace(options, sources=["logs", "journal"]), tmp_path)
    assert {source for error in result["errors"] for source in error["sources"]} == {"error.log", "journal of kernel"}
    assert result["notes"] == []


def test_host_without_a_journal_is_told(options: TrackerOptions, tmp_path: Path) -> None:
    assert "journalctl" in track(replace(options, sources=["journal"]), tmp_path, runner=no_journal)["notes"][0]


def test_old_errors_are_left_out_and_the_most_frequent_are_returned(options: TrackerOptions, tmp_path: Path) -> None:
    log = options.benches[0].path / "logs" / "frappe.log"
    log.parent.mkdir()
    log.write_text("2001-01-01 00:00:00,000 ERROR frappe old\n" + "ValueError: a\n" * 2 + "KeyError: b\n")
    result = track(replace(options, sources=["logs"], most_errors=1), tmp_path)
    # What has no time of its own is as old as the line before it.
    assert result["counts"]["events"] == 0
    log.write_text("ValueError: a\n" * 2 + "KeyError: b\n")
    result = track(replace(options, sources=["logs"], most_errors=1), tmp_path)
    assert [error["title"] for error in result["errors"]] == ["ValueError: a"]
    assert result["counts"] == {"events": 3, "errors": 2, "known": 0}


def test_next_look_goes_on(options: TrackerOptions, tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def remembering(arguments: Sequence[str]) -> CommandResult:
        asked.append(list(arguments))
        return journal(arguments)

    kept = replace(options, sources=["journal"], keeps_cursor=True)
    track(kept, tmp_path, runner=remembering)
    track(kept, tmp_path, runner=remembering)
    assert asked[0][-1].startswith("--since=@")
    assert asked[1][-1] == "--after-cursor=s=1"


def test_sites_that_cannot_be_listed_are_told(options: TrackerOptions, tmp_path: Path) -> None:
    (options.benches[0].path / "sites" / "apps.txt").unlink()
    (options.benches[0].path / "sites").rmdir()
    assert "cannot be listed" in track(replace(options, sources=["error_log"]), tmp_path)["notes"][0]
