"""The journal of one recovery: what was begun, done and failed, on the disk before the next step starts."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable

from .._system.errors import LifeboatError
from .._system.files import append_line_durably, fsync_folder, make_private_folder

JOURNAL_NAME = "journal.jsonl"
SCRATCH_NAME = "scratch"

Trap = Callable[[str, str], None]


@dataclass(frozen=True)
class Entry:
    """One line of the journal: ``event`` of ``step`` at an RFC 3339 time, and the facts that came with it."""

    at: str
    step: str
    event: str
    facts: dict[str, Any] = field(default_factory=dict)


def state_folder(state_path: Path, site: str, recovery: str = "") -> Path:
    """Return the folder of a site's state, or of one of its recoveries.

    Raises:
        LifeboatError: ``path_unsafe`` when a name would lead elsewhere.
    """
    for name in (site, recovery):
        if "/" in name or "\0" in name or name in (".", ".."):
            raise LifeboatError(
                f"Cannot use {name!r} as the name of a site or of a recovery: it would lead out of {state_path}.",
                "path_unsafe",
            )
    return Path(state_path, site, recovery)


class Journal:
    """Appends to and reads ``<state_path>/<site>/<recovery>/journal.jsonl``.

    Nothing is created before the first entry, so a journal can be asked for in check mode. Whoever appends holds the
    lock of the site.

    Args:
        folder: The folder of the recovery.
        trap: Called with the step and the event after each entry is on the disk; for the injection of faults.
        clock: Seconds since the epoch.
    """

    def __init__(self, folder: Path, trap: Trap | None = None, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._path = folder / JOURNAL_NAME
        self._trap = trap
        self._clock = clock
        self._ready = False

    @classmethod
    def open(
        cls,
        state_path: Path,
        site: str,
        recovery: str,
        trap: Trap | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Journal:
        """Return the journal of a recovery, which may have no entries yet."""
        return cls(state_folder(state_path, site, recovery), trap, clock)

    @property
    def recovery(self) -> str:
        """Name the recovery that this is the journal of."""
        return self.folder.name

    @property
    def scratch_path(self) -> Path:
        """Where a step of the recovery puts what it needs only while it runs; nothing there outlives the recovery."""
        return self.folder / SCRATCH_NAME

    def append(self, step: str, event: str, **facts: Any) -> None:
        """Write one entry and wait until the disk has it.

        Args:
            step: The name of the step, for example ``staging_database.load``.
            event: ``begin``, ``done``, ``failed`` or another word for what happened.
            facts: Values that JSON can hold; no secret, no row.
        """
        if not self._ready:
            self._prepare()
        at = datetime.fromtimestamp(self._clock(), timezone.utc).isoformat(timespec="milliseconds")
        append_line_durably(self._path, json.dumps(asdict(Entry(at, step, event, facts)), sort_keys=True))
        if self._trap is not None:
            self._trap(step, event)

    def entries(self) -> list[Entry]:
        """Return all entries, oldest first. A last line that a kill cut short was never written.

        Raises:
            LifeboatError: ``journal_damaged`` when another line cannot be read.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return []
        try:
            return [Entry(**json.loads(line)) for line in content.split(b"\n")[:-1]]
        except (TypeError, ValueError) as error:
            raise LifeboatError(
                f"Cannot read the journal {self._path}: a line in it is damaged. A person must look at what is live "
                "and what is staged; then move this folder away and run the recovery again.",
                "journal_damaged",
                {"path": str(self._path)},
            ) from error

    @contextmanager
    def step(self, name: str, **facts: Any) -> Iterator[dict[str, Any]]:
        """Write ``begin``, run the body, and write ``done`` with its seconds and the facts put into the yielded dict.

        When the body raises, ``failed`` is written with the error's code, and the error goes on.
        """
        self.append(name, "begin", **facts)
        started = time.monotonic()
        found: dict[str, Any] = {}
        try:
            yield found
        except BaseException as error:
            error_code = error.error_code if isinstance(error, LifeboatError) else type(error).__name__
            # What failed is told, also where a full disk is why it cannot be written down.
            with suppress(OSError):
                self.append(name, "failed", seconds=_seconds_since(started), error_code=error_code)
            raise
        self.append(name, "done", **{"seconds": _seconds_since(started), **found})

    def fact(self, name: str) -> Any:
        """Return the last value of a fact in any entry, or None."""
        for entry in reversed(self.entries()):
            if name in entry.facts:
                return entry.facts[name]
        return None

    def plan(self) -> dict[str, Any]:
        """Return the plan that the recovery was begun with (the fact ``plan``).

        Raises:
            LifeboatError: ``recovery_unknown`` when there is none.
        """
        plan = self.fact("plan")
        if not isinstance(plan, dict):
            raise LifeboatError(
                f"Cannot find a plan in {self._path}: no recovery {self.recovery} was begun here. "
                "Begin one with lifeboat.frappe.site_recovery, or give the id of one that was.",
                "recovery_unknown",
                {"recovery": self.recovery},
            )
        return plan

    def is_done(self, step: str) -> bool:
        """Tell whether the last entry of a step says that it is done."""
        events = [entry.event for entry in self.entries() if entry.step == step]
        return bool(events) and events[-1] == "done"

    def _prepare(self) -> None:
        make_private_folder(self.folder)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
            whole_bytes = content.rfind(b"\n") + 1
            if whole_bytes != len(content):
                os.ftruncate(descriptor, whole_bytes)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fsync_folder(self.folder)
        self._ready = True


def journals(state_path: Path, site: str) -> list[Journal]:
    """Return the journals of every recovery of a site, oldest first: a recovery's id begins with its time."""
    paths = state_folder(state_path, site).glob(f"*/{JOURNAL_NAME}")
    return [Journal(path.parent) for path in sorted(paths)]


def _seconds_since(started: float) -> float:
    return round(time.monotonic() - started, 3)
