"""One run about the settings of a server: advice, applying what was advised or reviewed, and putting back."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from ..._checks.registry import UnmeasurableError
from ..._checks.targets.database_server import DatabaseServer
from ..._checks.targets.target import Target
from ..._mariadb.connection import connect
from ..._recovery.lock import SiteLock
from ..._recovery.record import recorded
from ..._system.commands import CommandRunner, run_command
from ..._system.errors import LifeboatError
from ..._system.quantities import DAY_SECONDS, bytes_text
from .advisor import advise
from .applying import apply_plan, put_back, read_file
from .drop_in import DropIn, propose, read_drop_in, read_reviewed
from .file_errors import writing
from .kept import Kept, KeptStore
from .lines import advice_lines, change_lines, shrink_lines
from .live import read_live, require_privileges
from .load import POOL_VARIABLE
from .measuring import measure_load, take_samples
from .option_files import Place, overridden, require_understood
from .outcome import NOTHING_KEPT, next_step, outcome
from .plan import SettingsPlan, after_restart, plan_return, plan_settings, pool_limit
from .surroundings import ServerAtHand, at_hand, find_server
from .variables import refused

if TYPE_CHECKING:
    from pymysql.connections import Connection

MODULE_NAME = "database_settings"
ADVISED = "advised"
APPLIED = "applied"
RESTORED = "restored"
# No site's name begins with a dash.
LOCK_OWNER = "-database-settings"


@dataclass(frozen=True)
class SettingsRequest:
    """What is asked for.

    Attributes:
        state: ``advised``, ``applied`` or ``restored``.
        state_path: The folder of the collection's state.
        check_mode: Whether nothing may be changed.
        keep: Variables that are not to be advised.
        least_uptime_seconds: How long the load must have been seen.
        sample_seconds: The time between two samples of the counters.
        reviewed: The text of the file that was reviewed; None for what is advised now.
        reviewed_sha256: By what that is known.
        drop_in_path: The file of options; None where it is to be found.
    """

    state: str
    state_path: Path
    check_mode: bool = False
    keep: tuple[str, ...] = ()
    least_uptime_seconds: float = DAY_SECONDS
    sample_seconds: float = 2.0
    reviewed: str | None = None
    reviewed_sha256: str = ""
    drop_in_path: Path | None = None


def run_settings(
    request: SettingsRequest,
    targets: Sequence[Target],
    run: CommandRunner = run_command,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any]:
    """Do what is asked for and return the module's result.

    Args:
        request: What is asked for.
        targets: What ``find_targets`` found on the host.
        run: Runs the server's program, to ask what it makes of files of options.
        now: Unix time.
        sleep: Waits between the samples.

    Raises:
        LifeboatError: ``load_unmeasurable``, ``settings_refused``, ``settings_unwritable``, ``disk_space``,
            ``site_locked``, or as ``connect`` and ``server_errors``.
    """
    server, benches = find_server(targets)
    # The first account is the administrator's: those of sites, which follow it, may set nothing.
    connection = connect(server.logins[0])
    try:
        with _measuring(server):
            found = at_hand(server, benches, run, request.drop_in_path)
        store = KeptStore(request.state_path, server.variables["hostname"], server.variables["datadir"])
        with _alone(request):
            if request.state == RESTORED:
                return _restored(request, found, connection, store)
            return _advised(request, found, connection, store, now, sleep)
    finally:
        connection.close()


@contextmanager
def _alone(request: SettingsRequest) -> Iterator[None]:
    """Hold the lock of this host's settings while something may be changed; looking needs none."""
    if request.check_mode or request.state == ADVISED:
        yield
        return
    with ExitStack() as held:
        with writing(request.state_path):
            held.enter_context(SiteLock(request.state_path, LOCK_OWNER).hold(MODULE_NAME))
        yield


def _advised(
    request: SettingsRequest,
    found: ServerAtHand,
    connection: Connection[Any],
    store: KeptStore,
    now: Callable[[], float],
    sleep: Callable[[float], None],
) -> dict[str, Any]:
    live, kept = read_live(connection), store.read()
    path = found.place.path
    before = read_file(path) if path else None
    present = read_drop_in(before or "", str(path))
    variables = found.server.variables
    limit_bytes = pool_limit(variables)
    unfinished = kept is not None and kept.unfinished
    planned = after_restart(variables, present, live, limit_bytes, unfinished)
    reviewed = _reviewed(request, found)
    with _measuring(found.server):
        take_samples(found.server, request.sample_seconds, sleep)
        settled_at_seconds = kept.changed_at_seconds if kept else 0.0
        load = measure_load(found.server, found.benches, found.process, planned, settled_at_seconds)
    advised = advise(load, request.keep, request.least_uptime_seconds)
    dynamic = {name: variable.is_dynamic for name, variable in live.items()}
    wanted = propose(present, advised, dynamic, socket.gethostname(), load.version)
    names = {name for name, value in wanted.values.items() if unfinished or present.values.get(name) != value}
    if reviewed is not None:
        wanted, names = reviewed, set(reviewed.values)
    is_applied = request.state == APPLIED and path is not None
    plan = plan_settings(before, wanted if is_applied else present, live, names if is_applied else (), limit_bytes)
    _require_privileges(connection, found, plan)
    _require_applicable(found, plan, kept)
    if path is not None and is_applied and not request.check_mode and (unfinished or not plan.is_empty):
        with _recorded(request, found, plan):
            kept = apply_plan(connection, path, plan, store, now())
    overriding = _overridden(found, wanted)
    lines = [
        *_notes(found),
        *advice_lines(advised),
        *change_lines(plan, overriding, request.check_mode),
        *shrink_lines(plan, load.used_pool_bytes),
    ]
    if not is_applied:
        lines.append(next_step(found.place, is_new=wanted.text != (before or "")))
    shown = [advice.as_dict(dynamic.get(advice.variable, False)) for advice in advised]
    return outcome(plan, kept, wanted, found.place, lines, advice=shown, overridden=overriding)


def _restored(
    request: SettingsRequest, found: ServerAtHand, connection: Connection[Any], store: KeptStore
) -> dict[str, Any]:
    kept = store.read()
    plan, place = SettingsPlan(None, None, {}, {}, {}), found.place
    if kept is not None:
        path = Path(kept.path)
        plan = plan_return(read_file(path), kept.text, kept.variables, read_live(connection))
        place = Place(path)
        _require_privileges(connection, found, plan)
        if not request.check_mode:
            with _recorded(request, found, plan):
                put_back(connection, path, plan, store)
    lines = change_lines(plan, {}, request.check_mode)
    return outcome(plan, kept, DropIn(plan.after or ""), place, lines or [NOTHING_KEPT])


def _notes(found: ServerAtHand) -> list[str]:
    """Return what to know of a replica, or of a server that takes no writes: neither keeps settings from changing."""
    server = found.server
    with suppress(UnmeasurableError):
        if server.query("SHOW ALL SLAVES STATUS"):
            return ["This server is a replica: it has settings of its own, and those of its primary stay."]
    if server.is_on("read_only"):
        return ["This server takes no writes (read_only): its settings can be changed all the same."]
    return []


def _overridden(found: ServerAtHand, wanted: DropIn) -> dict[str, str]:
    path = found.place.path
    if path is None or found.process is None or read_file(path) != wanted.text:
        return {}
    return overridden(found.program, wanted.values, found.run)


@contextmanager
def _measuring(server: DatabaseServer) -> Iterator[None]:
    try:
        yield
    except UnmeasurableError as reason:
        raise LifeboatError(
            f"Cannot measure the load of {server.name}: {reason}. Give login_user of an administrator, then run this "
            "again.",
            "load_unmeasurable",
        ) from None


def _reviewed(request: SettingsRequest, found: ServerAtHand) -> DropIn | None:
    if request.reviewed is None:
        return None
    wanted = read_reviewed(request.reviewed, request.reviewed_sha256, socket.gethostname())
    if found.place.path is None:
        raise refused(f"there is no place for the file: {found.place.reason}")
    memory_bytes = found.benches.host.memory["MemTotal"]
    if found.process and int(wanted.values.get(POOL_VARIABLE, 0)) > memory_bytes:
        raise refused(f"{POOL_VARIABLE} is larger than the memory, {bytes_text(memory_bytes)}")
    return wanted


def _require_applicable(found: ServerAtHand, plan: SettingsPlan, kept: Kept | None) -> None:
    """Stop, also in check mode, where the server would not understand the file, or it would not be put back."""
    if plan.writes_file and plan.after:
        require_understood(found.program, plan.after, found.run)
    if not plan.is_empty and kept is not None and kept.path != str(found.place.path):
        raise refused(f"settings that were applied before are in {kept.path}: put them back first (state=restored)")


def _require_privileges(connection: Connection[Any], found: ServerAtHand, plan: SettingsPlan) -> None:
    if plan.live:
        require_privileges(connection, found.server.variables["version"], plan.live)


@contextmanager
def _recorded(request: SettingsRequest, found: ServerAtHand, plan: SettingsPlan) -> Iterator[None]:
    facts: dict[str, Any] = {"server": found.server.name, "live": dict(plan.live), "pending": dict(plan.pending)}
    # What was done is done: on a full disk it goes without a record.
    with recorded(request.state_path, is_required=False, module=MODULE_NAME, action=request.state, **facts):
        yield
