"""The lock of a site."""

from __future__ import annotations

import fcntl
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery import lock as lock_module
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.lock import (
    Holder,
    SiteLock,
    process_identity,
    this_holder,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

SITE = "erp.localhost"
ELSEWHERE = Holder("controller.example.com", "ops", 4711)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lock(tmp_path: Path, clock: Clock) -> SiteLock:
    return SiteLock(tmp_path / "state", SITE, clock)


def test_free_lock_is_acquired_renewed_and_released(lock: SiteLock, clock: Clock) -> None:
    assert lock.read() is None
    assert lock.acquire("one", ELSEWHERE) is None
    clock.now += 50
    with lock.step("one"):
        clock.now += 500  # flock protects a long step, and its end renews the lease
    clock.now += 50
    with pytest.raises(LifeboatError) as refused:
        lock.acquire("two", this_holder())
    assert refused.value.error_code == "site_locked"
    assert refused.value.details["holder"]["recovery"] == "one"
    assert "recovery one, started by ops on controller.example.com (process 4711) at 1970-01-12" in str(refused.value)
    lock.release("two")
    assert lock.read() is not None
    lock.release("one")
    assert lock.read() is None


@pytest.mark.parametrize("content", ["", "[]", '{"recovery": "one"}'])
def test_file_that_is_no_lock_is_told_with_what_to_do(lock: SiteLock, tmp_path: Path, content: str) -> None:
    path = tmp_path / "state" / SITE / "lock"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(LifeboatError, match="remove that file") as refused:
        lock.acquire("two", this_holder())
    assert refused.value.error_code == "lock_damaged"
    assert path.read_text() == content


def test_holder_may_ask_again(lock: SiteLock) -> None:
    lock.acquire("one", ELSEWHERE)
    assert lock.acquire("one", ELSEWHERE) is None


def test_another_process_may_not_resume_what_still_runs(lock: SiteLock) -> None:
    lock.acquire("one", ELSEWHERE)
    with pytest.raises(LifeboatError):
        lock.acquire("one", replace(ELSEWHERE, pid=4712))


def test_state_is_private(lock: SiteLock, tmp_path: Path) -> None:
    lock.acquire("one", ELSEWHERE)
    folder = tmp_path / "state" / SITE
    assert [(tmp_path / "state").stat().st_mode & 0o777, folder.stat().st_mode & 0o777] == [0o700, 0o700]
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {"lock": 0o600, "lock.flock": 0o600}


def test_process_with_the_same_number_is_not_the_holder(lock: SiteLock, tmp_path: Path) -> None:
    lock.acquire("one", this_holder())
    state = lock.read()
    assert state is not None
    assert state.process == process_identity(os.getpid())
    assert lock.is_live(state)
    assert not lock.is_live(replace(state, process="an-earlier-boot:12"))
    gone = Holder(socket.gethostname(), "ops", 2**22 + 1)  # above the kernel's greatest process number
    assert process_identity(gone.pid) == ""
    other = SiteLock(tmp_path / "state", "other.localhost")
    other.acquire("one", gone)
    other_state = other.read()
    assert other_state is not None
    assert other.is_live(other_state), "a process that could not be seen is judged by its lease alone"


def test_lock_that_nobody_has_any_more_is_lost(lock: SiteLock) -> None:
    with pytest.raises(LifeboatError, match="Nobody holds it now") as lost, lock.step("one"):
        pytest.fail("the step ran without the lock")
    assert lost.value.details["holder"] is None


def test_hold_runs_under_the_recoverys_own_lock(lock: SiteLock) -> None:
    lock.acquire("one", ELSEWHERE)
    with lock.hold("one") as taken_from:
        assert taken_from is None
    state = lock.read()
    assert state is not None
    assert state.pid == ELSEWHERE.pid


def test_hold_takes_a_lock_for_one_step(lock: SiteLock, clock: Clock) -> None:
    lock.acquire("one", ELSEWHERE)
    with pytest.raises(LifeboatError, match="locked by recovery one"), lock.hold("two"):
        pytest.fail("the step ran without the lock")
    clock.now += 61
    with lock.hold("two") as taken_from:
        assert taken_from is not None
        assert taken_from.recovery == "one"
        state = lock.read()
        assert state is not None
        assert state.pid == os.getpid()
    assert lock.read() is None


def test_hold_gives_the_lock_back_after_a_failure(lock: SiteLock) -> None:
    with pytest.raises(RuntimeError), lock.hold("one"):
        raise RuntimeError
    assert lock.read() is None


@pytest.mark.parametrize("is_known", [True, False])
def test_running_step_keeps_others_out_whatever_the_lease_says(
    lock: SiteLock, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    monkeypatch.setattr(lock_module, "FLOCK_WAIT_SECONDS", 0.05)
    if is_known:
        lock.acquire("one", ELSEWHERE)
    else:
        (tmp_path / "state" / SITE).mkdir(parents=True)
    clock.now += 1000
    with (tmp_path / "state" / SITE / "lock.flock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(LifeboatError) as refused:
            lock.acquire("two", this_holder())
    assert refused.value.error_code == "site_locked"
    assert ("recovery one" in refused.value.message) == is_known


def test_name_of_a_site_does_not_lead_out_of_the_state(tmp_path: Path) -> None:
    for name in ("..", "a/b", "."):
        with pytest.raises(LifeboatError) as refused:
            SiteLock(tmp_path, name)
        assert refused.value.error_code == "path_unsafe"
