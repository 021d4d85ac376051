"""Two recoveries of one site, and holders that die."""

from __future__ import annotations

import os
import signal
import socket
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.lock import Holder, SiteLock, this_holder
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.promotion_stage import FORKED

SITE = "erp.localhost"
RAN, REFUSED = 0, 3


def _recover(state_path: Path, recovery: str, start: Event, asked: Event, message_path: Path) -> None:
    start.wait()
    lock = SiteLock(state_path, SITE)
    try:
        lock.acquire(recovery, this_holder())
    except LifeboatError as error:
        asked.set()
        message_path.write_text(f"{error.error_code} {error.message}")
        os._exit(REFUSED)
    with lock.step(recovery):
        asked.wait()  # the work goes on while the other one asks
    lock.release(recovery)
    os._exit(RAN)


@pytest.mark.promise(13)
@pytest.mark.parametrize("attempt", range(20))
def test_of_two_recoveries_started_at_once_exactly_one_runs(tmp_path: Path, attempt: int) -> None:
    start, asked = FORKED.Event(), FORKED.Event()
    message_path = tmp_path / "message"
    names = [f"recovery-{attempt}-{number}" for number in range(2)]
    processes = [
        FORKED.Process(target=_recover, args=(tmp_path / "state", name, start, asked, message_path)) for name in names
    ]
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join()
    assert sorted(process.exitcode for process in processes) == [RAN, REFUSED]
    message = message_path.read_text()
    winner = next(process for process in processes if process.exitcode == RAN)
    assert message.startswith("site_locked")
    assert socket.gethostname() in message
    assert f"process {winner.pid}" in message
    assert "since" in message or " at 20" in message
    assert SiteLock(tmp_path / "state", SITE).read() is None


def _hold_for_ever(state_path: Path, recovery: str, holding: Event) -> None:
    lock = SiteLock(state_path, SITE)
    lock.acquire(recovery, this_holder())
    with lock.step(recovery):
        holding.set()
        signal.pause()


@pytest.mark.promise(13)
def test_lock_of_a_killed_holder_is_taken_over_at_once(tmp_path: Path) -> None:
    holding = FORKED.Event()
    process = FORKED.Process(target=_hold_for_ever, args=(tmp_path, "first", holding))
    process.start()
    holding.wait()
    lock = SiteLock(tmp_path, SITE)
    with pytest.raises(LifeboatError) as refused:
        lock.acquire("second", this_holder())
    assert refused.value.error_code == "site_locked"
    process.kill()
    process.join()
    taken_from = lock.acquire("second", this_holder())
    assert taken_from is not None
    assert (taken_from.recovery, taken_from.pid) == ("first", process.pid)
    with lock.step("second"):
        state = lock.read()
    assert state is not None
    assert state.recovery == "second"


@pytest.mark.promise(13)
def test_holder_that_lost_its_lock_does_not_go_on(tmp_path: Path) -> None:
    now = [1000.0]
    lock = SiteLock(tmp_path, SITE, clock=lambda: now[0])
    elsewhere = Holder("controller.example.com", "ops", 4711)
    lock.acquire("first", elsewhere, lease_seconds=60)
    now[0] += 59
    with pytest.raises(LifeboatError, match=r"started by ops on controller\.example\.com"):
        lock.acquire("second", this_holder())
    now[0] += 2
    lock.acquire("second", this_holder())
    with pytest.raises(LifeboatError) as lost, lock.step("first"):
        pytest.fail("the step ran without the lock")
    assert lost.value.error_code == "lock_lost"
    assert "recovery second" in lost.value.message
