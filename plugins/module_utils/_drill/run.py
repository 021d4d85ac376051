"""Running a drill: recover a site in a scratch place, prove it, measure it, remove everything, and record."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from .._backups.drill_records import append_drill_record, read_drill_records
from .._backups.manifest import PHYSICAL
from .._backups.manifest_sets import manifest_digest
from .._backups.sets import OFFSITE
from .._mariadb.connection import connect, execute, server_errors
from .._mariadb.server import local_datadir, read_server_facts
from .._recovery.checks import check_space, refuse_failed
from .._recovery.plan import format_time
from .._recovery.preparation import RecoveryRequest, prepare_recovery
from .._system.errors import LifeboatError
from .._system.files import free_bytes
from .._system.progress import ProgressReporter
from .choice import Available, available_sets, choose_point, fetch_copy, glance_at
from .findings import Finding
from .lock import DrillLock, RunningDrill, begin, drill_lock, running_drill
from .phases import CLEANUP, FETCH, OF_A_RECOVERY, PROVE, VERIFY, OnPhase, Phases
from .point import DrillPoint
from .proofs import prove
from .record import drill_error, record_of_dead, summarise_drill
from .request import DrillRequest
from .scratch import (
    refuse_unsafe_folder,
    remove_scratch,
    scratch_folder,
    server_identity,
    used_bytes,
)
from .scratch_recovery import LiveServer, ScratchRecovery
from .trend import Trend, comparable_drills, judge_time

if TYPE_CHECKING:
    from pymysql.connections import Connection

# A MariaDB server without any data: its redo log, its system tablespaces, what it keeps for undoing.
SERVER_BYTES = 192 << 20

Clock = Callable[[], datetime]


def plan_drill(request: DrillRequest, clock: Clock) -> dict[str, Any]:
    """Return what a drill would recover, as far as a glance tells; changes nothing.

    Raises:
        LifeboatError: ``backup_not_found``, ``outside_window``, and what connecting to the live server raises.
    """
    count = len(read_drill_records(request.state_path, request.site.name))
    available = available_sets(request, request.scratch_base / request.site.name)
    with closing(connect(request.login)) as connection:
        point = choose_point(request, available, connection, count, clock())
    return {
        "site": request.site.name,
        "number": count + 1,
        "point": point.as_dict(),
        "set": glance_at(available, point),
        "scratch": str(request.scratch_base / request.site.name),
    }


@dataclass(frozen=True)
class DrillResult:
    """The record of a drill, and the comparable ones before it, oldest first (see ``comparable_drills``)."""

    record: dict[str, Any]
    history: list[dict[str, Any]]


def run_drill(
    request: DrillRequest, progress: ProgressReporter, clock: Clock, on_phase: OnPhase = lambda _phase, _event: None
) -> DrillResult:
    """Drill a site and return the result, whether it passed or failed; nothing but its record stays.

    Args:
        request: What was asked for.
        progress: Told how far it is; raises when nobody listens any more.
        clock: The time, with its zone.
        on_phase: Called with the phase and ``begin``, ``done`` or ``failed``; for the injection of faults.

    Raises:
        LifeboatError: ``drill_running`` when another drill of the site is under way: that one is left in peace.
    """
    now = clock()
    drill = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    site = request.site
    with drill_lock(request.state_path, site.name) as dead:
        if dead is not None:
            _bury(request, dead, now)
        scratch = scratch_folder(request.scratch_base, site.name, drill)
        running = running_drill(drill, site.name, scratch, now)
        lock = begin(request.state_path, running)
        earlier = read_drill_records(request.state_path, site.name)
        record = _Drill(request, running, scratch, lock, progress, clock, on_phase, earlier).run()
        append_drill_record(request.state_path, record)
        lock.end()
    return DrillResult(record, comparable_drills(earlier, record["kind"]))


def raise_failed(result: DrillResult) -> None:
    """Turn a drill that failed into the error that it is.

    Raises:
        LifeboatError: With the code of what failed; the record and the history are in its details.
    """
    error = result.record["error"]
    if error:
        raise LifeboatError(error["reason"], error["code"], {"record": result.record, "history": result.history})


def _bury(request: DrillRequest, dead: RunningDrill, now: datetime) -> None:
    """Remove what a dead drill left, and record it, unless it died after its record was written."""
    remove_scratch(Path(dead.scratch))
    known = {record["drill"] for record in read_drill_records(request.state_path, dead.site)}
    if dead.drill not in known:
        record = record_of_dead(dead, str(request.site.bench.path), format_time(now))
        append_drill_record(request.state_path, record)


class _Drill:
    """One drill under the lock."""

    def __init__(
        self,
        request: DrillRequest,
        running: RunningDrill,
        scratch: Path,
        lock: DrillLock,
        progress: ProgressReporter,
        clock: Clock,
        on_phase: OnPhase,
        earlier: list[dict[str, Any]],
    ) -> None:
        self._request = request
        self._running = running
        self._scratch = scratch
        self._lock = lock
        self._progress = progress
        self._clock = clock
        self._on_phase = on_phase
        self._phases = Phases(self._note)
        self._recovery = ScratchRecovery(request, scratch, self._phases, progress)
        self._earlier = earlier
        self._plan: Mapping[str, Any] = {}
        self._point: DrillPoint | None = None
        self._kind = ""
        self._findings: list[Finding] = []
        self._trend: Trend | None = None

    def run(self) -> dict[str, Any]:
        try:
            try:
                self._recover_and_prove()
            finally:
                self._clean_up()
            error = drill_error(self._request.site.name, self._findings)
        except (LifeboatError, OSError) as failure:
            error = _failure(failure, self._scratch)
        return summarise_drill(
            running=self._running,
            bench_path=str(self._request.site.bench.path),
            kind=self._kind,
            point=self._point,
            plan=self._plan,
            phases=self._phases,
            findings=self._findings,
            trend=self._trend,
            ended_at=format_time(self._clock()),
            error=error,
        )

    def _clean_up(self) -> None:
        with self._phases.run(CLEANUP) as phase:
            self._recovery.end()
            phase.bytes = used_bytes(self._scratch)
            remove_scratch(self._scratch)

    def _note(self, phase: str, event: str) -> None:
        if event == "begin":
            self._lock.note_phase(phase)
        self._on_phase(phase, event)

    def _recover_and_prove(self) -> None:
        request = self._request
        with closing(connect(request.login)) as connection:
            # The server itself refuses whatever a mistake in here would write to it.
            with server_errors("look at the live server"):
                execute(connection, "SET SESSION TRANSACTION READ ONLY")
            if request.offsite is None:
                with self._phases.run(VERIFY) as phase:
                    live, available = self._look(connection)
                    phase.bytes = self._verify(connection, available)
            else:
                with self._phases.run(FETCH) as phase:
                    live, available = self._look(connection)
                    phase.bytes = fetch_copy(request, available, self._chosen_point, self._clock())
                with self._phases.run(VERIFY) as phase:
                    phase.bytes = self._verify(connection, available)
        recovered = self._recovery.recover(self._plan, live)
        self._kind = recovered.kind
        with self._phases.run(PROVE) as phase:
            phase.bytes = recovered.loaded.loaded_bytes
            self._findings = prove(request, self._plan, recovered, self._progress)
        self._judge_time()

    @property
    def _chosen_point(self) -> DrillPoint:
        if self._point is None:
            raise TypeError("nothing was chosen yet")
        return self._point

    def _look(self, connection: Connection[Any]) -> tuple[LiveServer, Available]:
        """Ask the live server who it is, see that the scratch place is apart, and choose what is drilled."""
        request = self._request
        with server_errors("look at the live server"):
            live = LiveServer(server_identity(connection), read_server_facts(connection))
        datadir = local_datadir(live.facts)
        places = [request.site.bench.sites_path, *request.set_folders, *([datadir] if datadir else [])]
        refuse_unsafe_folder(self._scratch, places)
        available = available_sets(request, self._scratch)
        self._point = choose_point(request, available, connection, len(self._earlier), self._clock())
        self._plan = {"set": glance_at(available, self._point)}
        return live, available

    def _verify(self, connection: Connection[Any], available: Available) -> int:
        """Verify and plan as a recovery does, and see that there is room; return the size of the set in bytes."""
        request = self._request
        wanted = RecoveryRequest(
            site=request.site.name,
            bench_path=str(request.site.bench.path),
            state_path=request.state_path,
            recover_to=self._chosen_point.recover_to,
            paths=available.folders,
            repository_path=request.repository.path,
            encryption_key=request.encryption_key,
            reserve_bytes=request.reserve_bytes,
        )
        self._plan = prepare_recovery(wanted, connection, self._progress, self._clock())
        if request.offsite is not None:
            self._plan = {**self._plan, "set": {**self._plan["set"], "location": OFFSITE}}
        if PHYSICAL in self._plan["set"]["kinds"]:
            digest = manifest_digest(Path(self._plan["set"]["folder"]))
            self._plan = {**self._plan, "set": {**self._plan["set"], "manifest_sha256": digest}}
        self._refuse_a_full_scratch()
        return int(self._plan["set"]["size_bytes"])

    def _refuse_a_full_scratch(self) -> None:
        work = self._plan["work"]
        needed = SERVER_BYTES + work["needed_bytes"] + work["files_bytes"] + (work["replayed_bytes"] or 0)
        base = next(folder for folder in self._scratch.parents if folder.exists())
        place = f"The scratch place {self._request.scratch_base}"
        check = check_space("scratch", place, needed, free_bytes(base), self._request.reserve_bytes)
        refuse_failed(self._request.site.name, [check])

    def _judge_time(self) -> None:
        request = self._request
        self._trend, findings = judge_time(
            self._phases.seconds(*OF_A_RECOVERY),
            comparable_drills(self._earlier, self._kind),
            request.rto_budget_seconds,
            request.slowdown_limit,
        )
        self._findings += findings


def _failure(error: LifeboatError | OSError, scratch: Path) -> dict[str, str]:
    if isinstance(error, LifeboatError):
        return {"code": error.error_code, "reason": error.message}
    reason = (
        f"The drill in {scratch} was given up: {error.strerror}. Free some space there, or give another scratch_path."
    )
    return {"code": "disk_space", "reason": reason}
