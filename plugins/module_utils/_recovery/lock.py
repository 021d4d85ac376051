"""The lock of a site: one recovery at a time, and whose turn it is when the holder died."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable

from .._system.errors import LifeboatError
from .._system.files import make_private_folder, write_json_atomically
from .journal import state_folder

LOCK_NAME = "lock"
FLOCK_NAME = "lock.flock"
DEFAULT_LEASE_SECONDS = 60.0
# Another process holds the flock for milliseconds while it asks for the lock; for longer only while it works.
FLOCK_WAIT_SECONDS = 2.0
FLOCK_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Holder:
    """Who runs a recovery: the host, user and process that started it, which may be a controller elsewhere."""

    host: str
    user: str
    pid: int


@dataclass(frozen=True)
class LockState:
    """What the file of the lock says. ``process`` tells a process from a later one with the same number.

    Times are seconds since the epoch; ``process`` is empty where the holder is not on this host.
    """

    recovery: str
    host: str
    user: str
    pid: int
    process: str
    since: float
    renewed_at: float
    lease_seconds: float

    @property
    def owner(self) -> str:
        """Say for people who holds the lock and since when."""
        since = datetime.fromtimestamp(self.since, timezone.utc).isoformat(timespec="seconds")
        return f"recovery {self.recovery}, started by {self.user} on {self.host} (process {self.pid}) at {since}"


def this_holder() -> Holder:
    """Return this process as a holder."""
    return Holder(socket.gethostname(), getpass.getuser(), os.getpid())


def process_identity(pid: int) -> str:
    """Return what tells a process of this host from every other one that had or will have its number; "" if it is gone.

    It is the id of the boot and the start time in clock ticks since then, the 22nd field of proc_pid_stat(5).
    """
    try:
        after_name = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return f"{boot}:{after_name[19]}"


class SiteLock:
    """The lock of one site, on the host where its recoveries run.

    Between the steps of a recovery a lease protects it, which each step renews; while a step runs, flock(2) does,
    which ends with the process whatever happens to it.

    Args:
        state_path: The folder of the collection's state.
        site: The name of the site.
        clock: Seconds since the epoch.
    """

    def __init__(self, state_path: Path, site: str, clock: Callable[[], float] = time.time) -> None:
        self._site = site
        self._folder = state_folder(state_path, site)
        self._path = self._folder / LOCK_NAME
        self._clock = clock

    def read(self) -> LockState | None:
        """Return who has the lock, dead or alive, or None when nobody has it.

        Raises:
            LifeboatError: ``lock_damaged`` when its file is not what this version wrote.
        """
        try:
            return LockState(**json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return None
        except (TypeError, ValueError):
            raise LifeboatError(
                f"Cannot tell who works on {self._site}: the lock {self._path} is not one that this version wrote. See "
                "that no recovery of the site is running, remove that file, then run this again.",
                "lock_damaged",
                {"path": str(self._path)},
            ) from None

    def is_live(self, state: LockState) -> bool:
        """Tell whether a holder is to be believed alive: its lease runs, and its process is not known to be gone."""
        if self._clock() > state.renewed_at + state.lease_seconds:
            return False
        return not state.process or process_identity(state.pid) == state.process

    def acquire(self, recovery: str, holder: Holder, lease_seconds: float = DEFAULT_LEASE_SECONDS) -> LockState | None:
        """Take the lock for a recovery.

        Returns:
            The dead holder that it was taken from, for the journal; None when it was free or the holder's own.

        Raises:
            LifeboatError: ``site_locked`` when another holder lives.
        """

        def refuse_while_another_lives() -> LockState | None:
            return self._refuse_while_another_lives(recovery, holder)

        with self._flock(refuse_while_another_lives):
            previous = refuse_while_another_lives()
            now = self._clock()
            process = process_identity(holder.pid) if holder.host == socket.gethostname() else ""
            self._write(
                LockState(
                    recovery, **asdict(holder), process=process, since=now, renewed_at=now, lease_seconds=lease_seconds
                )
            )
        return previous

    @contextmanager
    def step(self, recovery: str) -> Iterator[None]:
        """Run one step of the recovery that has the lock; the lease is renewed before it and after it.

        Raises:
            LifeboatError: ``lock_lost`` when the lock is not this recovery's any more, ``site_locked`` when another
                process runs a step at this moment.
        """
        with self._flock():
            self._renew(recovery)
            try:
                yield
            finally:
                self._renew(recovery)

    @contextmanager
    def hold(self, recovery: str) -> Iterator[LockState | None]:
        """Run one step under the lock: under the recovery's own where it has it, else under one taken for this step.

        Yields the dead holder that the lock was taken from, if any.

        Raises:
            LifeboatError: ``site_locked`` when another recovery has the lock.
        """
        state = self.read()
        if state is not None and state.recovery == recovery:
            with self.step(recovery):
                yield None
            return
        previous = self.acquire(recovery, this_holder())
        try:
            with self.step(recovery):
                yield previous
        finally:
            self.release(recovery)

    def release(self, recovery: str) -> None:
        """Give the lock back, after the last step; nothing happens when it is not this recovery's."""
        with self._flock():
            state = self.read()
            if state is not None and state.recovery == recovery:
                self._path.unlink()

    def _refuse_while_another_lives(self, recovery: str, holder: Holder) -> LockState | None:
        """Return the dead holder, if there is one; None also for the holder's own lock."""
        state = self.read()
        if state is None or (state.recovery, Holder(state.host, state.user, state.pid)) == (recovery, holder):
            return None
        if self.is_live(state):
            raise self._locked_error(state)
        return state

    def _renew(self, recovery: str) -> None:
        state = self.read()
        if state is None or state.recovery != recovery:
            now_held = f"It is now held by {state.owner}." if state else "Nobody holds it now."
            raise LifeboatError(
                f"Cannot go on with recovery {recovery} of {self._site}: it lost the lock of the site. {now_held} "
                "Begin the recovery again.",
                "lock_lost",
                {"recovery": recovery, "holder": asdict(state) if state else None},
            )
        self._write(replace(state, renewed_at=self._clock()))

    def _write(self, state: LockState) -> None:
        write_json_atomically(self._path, asdict(state))

    @contextmanager
    def _flock(self, while_waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
        make_private_folder(self._folder)
        descriptor = os.open(self._folder / FLOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            deadline = time.monotonic() + FLOCK_WAIT_SECONDS
            while not _try_flock(descriptor):
                if time.monotonic() > deadline:
                    raise self._locked_error(self.read())
                while_waiting()
                time.sleep(FLOCK_POLL_SECONDS)
            yield
        finally:
            os.close(descriptor)

    def _locked_error(self, state: LockState | None) -> LifeboatError:
        owner = state.owner if state else "a process that is just ending"
        return LifeboatError(
            f"Cannot work on {self._site}: it is locked by {owner}. "
            "Wait until that has ended, or end it, then run this again.",
            "site_locked",
            {"site": self._site, "holder": asdict(state) if state else None},
        )


def _try_flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
