"""A clock that is ahead judges no ages."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import clock
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.clock import (
    is_synchronised,
    jump_of_host,
    jump_seconds,
    refuse_clock_ahead,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def test_clock_that_jumped_ahead_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()
    now = time.time()
    refuse_clock_ahead(now, [tmp_path, tmp_path / "none"])
    refuse_clock_ahead(now - 10 * 86400, [tmp_path])
    with pytest.raises(LifeboatError, match=r"the clock is 3\.0 days ahead") as refused:
        refuse_clock_ahead(now + 3 * 86400 + 60, [tmp_path])
    assert refused.value.error_code == "clock_ahead"


def test_clock_that_everything_was_written_by_since_it_jumped_is_refused(tmp_path: Path) -> None:
    """Other programs write by the same clock: within a minute every witness is as new as it says."""
    ahead = time.time() + 400 * 86400
    (tmp_path / "syslog").touch()
    os.utime(tmp_path / "syslog", (ahead, ahead))
    with pytest.raises(LifeboatError, match=r"was set ahead by 400\.0 days since the host was started") as refused:
        refuse_clock_ahead(ahead, [tmp_path], lambda _now: 400.0 * 86400)
    assert refused.value.error_code == "clock_ahead"
    refuse_clock_ahead(ahead, [tmp_path], lambda _now: 86400.0)


def test_jump_is_what_the_clock_and_the_time_since_the_start_differ_by(tmp_path: Path) -> None:
    now = time.time()
    assert jump_seconds(now, 60.0, tmp_path) == 0, "nothing tells"
    (tmp_path / "made at the start").touch()
    os.utime(tmp_path / "made at the start", (0, 0))  # which a copy may have set to anything
    assert jump_seconds(now + 60, 60.0, tmp_path) == pytest.approx(0.0, abs=50)
    assert jump_seconds(now + 60 + 3 * 86400, 60.0, tmp_path) == pytest.approx(3 * 86400, abs=50)


def test_jump_of_a_host_whose_clock_is_kept_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mountinfo").write_text(f"1 1 0:1 / {tmp_path} rw - tmpfs tmpfs rw\n")
    (tmp_path / "made").touch()
    monkeypatch.setattr(clock, "MOUNTINFO", tmp_path / "mountinfo")
    monkeypatch.setattr(clock, "MEMORY_FOLDER", tmp_path)
    ahead = time.time() + time.clock_gettime(time.CLOCK_BOOTTIME) + 10 * 86400
    monkeypatch.setattr(clock, "is_synchronised", lambda: False)
    assert jump_of_host(ahead) > 9 * 86400
    monkeypatch.setattr(clock, "is_synchronised", lambda: True)
    assert jump_of_host(ahead) == 0
    monkeypatch.setattr(clock, "is_synchronised", lambda: False)
    (tmp_path / "mountinfo").write_text(f"1 1 8:1 / {tmp_path} rw - ext4 /dev/sda1 rw\n")
    assert jump_of_host(ahead) == 0, "files on a disk are older than the start"


def test_kernel_says_whether_its_clock_is_kept() -> None:
    assert is_synchronised() in (True, False)


def test_host_without_witnesses_is_believed(tmp_path: Path) -> None:
    refuse_clock_ahead(time.time() + 10**8, [tmp_path / "none"])


def test_this_host_has_witnesses() -> None:
    refuse_clock_ahead(time.time())
    with pytest.raises(LifeboatError):
        refuse_clock_ahead(time.time() + 10**8)
