"""Ending debug mode: at once when a person asks for it, or when the timer's program finds that it is time."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .._recovery.record import recorded
from .._system.errors import LifeboatError
from .begin import MODULE_NAME, shown_state
from .end import Outcome, Surroundings, end_debug
from .places import fullest, keep_bounded, size_bytes, slow_logs
from .state import DebugState, StateFiles
from .variables import SLOW_LOG_FILE

# Debug mode begins with as much room as min_free_percent says; it ends when half of that is left.
ENDING_SHARE = 0.5
PROGRAM_NAME = "lifeboat-debug"
BY_HAND, TIME_IS_OVER = "it was ended by hand", "its time was over"


@dataclass(frozen=True)
class EndRequest:
    """What was asked for.

    Attributes:
        site: The site that is meant, or "" for all that are in debug mode.
        bench_path: The bench whose sites are meant, or "" for all.
        remove_logs: Whether the slow logs that debug mode had made go as well.
    """

    site: str
    bench_path: str
    state_path: Path
    remove_logs: bool
    check_mode: bool

    def names(self, state: DebugState) -> set[str]:
        """Return the names of the sites that are meant; a site need not be there any more."""
        return {
            found.site
            for found in state.sites
            if self.site in ("", found.site) and self.bench_path in ("", found.bench_path)
        }


def run_absent(request: EndRequest, around: Surroundings) -> dict[str, Any]:
    """End debug mode at once.

    Returns:
        ``changed``, ``state`` (what is still on), ``ended`` (how it ended, or None), ``notes`` and ``diff``.

    Raises:
        LifeboatError: The first reason why something could not be put back; the timer tries again.
    """
    files = StateFiles(request.state_path)
    with nullcontext() if request.check_mode else files.lock.hold(MODULE_NAME):
        before = files.read()
        names = request.names(before)
        after = _without(before, names)
        outcome = Outcome(after)
        if after != before and not request.check_mode:
            outcome = _end(files, names, BY_HAND, around)
            if outcome.errors:
                raise outcome.errors[0]
        elif not (before.is_on or request.check_mode):
            # A begin that was killed before it wrote down what is on may have left a login behind.
            files.write(before)
        logs = _logs_to_remove(files, request, before, after)
        if logs and not request.check_mode:
            _remove(logs, files)
        return {
            "changed": after != before or bool(logs),
            "state": after,
            "ended": files.read_ended(),
            "notes": outcome.notes,
            "diff": {"before": shown_state(before), "after": shown_state(after)},
        }


def run_tick(files: StateFiles, around: Surroundings) -> list[LifeboatError]:
    """Do what the timer's program does each minute: prove that it works, end what is over, keep the slow log small.

    Returns:
        What could not be done and has to be tried again.
    """
    is_new, errors = _prove(files, around)
    try:
        with files.lock.hold(PROGRAM_NAME):
            return [*errors, *_end_what_is_over(files, around)]
    except LifeboatError as error:
        # Whoever turns debug mode on holds the lock, and waits for the proof.
        if not is_new:
            raise
        return errors or ([] if error.error_code == "site_locked" else [error])


def _prove(files: StateFiles, around: Surroundings) -> tuple[bool, list[LifeboatError]]:
    """Show that this program could end what is on; return whether that was asked for, and what keeps it from it."""
    state = files.read()
    if not state.is_on or files.read_proof() == state.proof:
        return False, []
    try:
        for login in files.read_logins().values():
            around.connect(login).close()
    except LifeboatError as error:
        return True, [error]
    files.write_proof(state.proof)
    return True, []


def _end_what_is_over(files: StateFiles, around: Surroundings) -> list[LifeboatError]:
    state = files.read()
    folder, free_percent = fullest(state)
    over = [site.site for site in state.sites if site.is_over(around.clock())]
    reason = TIME_IS_OVER
    if free_percent < state.min_free_percent * ENDING_SHARE:
        over = [site.site for site in state.sites]
        reason = f"the disk of {folder} had {free_percent:.1f} % free"
    if over or state.idle_servers() or not state.is_on:
        outcome = _end(files, over, reason, around)
        if outcome.errors:
            return outcome.errors
    return _bound_logs(files, around)


def _end(files: StateFiles, names: Collection[str], reason: str, around: Surroundings) -> Outcome:
    if not files.read().is_on:
        return end_debug(files, names, reason, around)
    with recorded(files.state_path, module=MODULE_NAME, action="end", sites=sorted(names), reason=reason) as found:
        outcome = end_debug(files, names, reason, around)
        found.update(restored=outcome.restored, notes=outcome.notes)
        if outcome.errors:
            found["error_code"] = outcome.errors[0].error_code
    return outcome


def _bound_logs(files: StateFiles, around: Surroundings) -> list[LifeboatError]:
    state, logins = files.read(), files.read_logins()
    try:
        for server in state.servers:
            if server.log_path and SLOW_LOG_FILE in server.changes:
                with closing(around.connect(logins[server.address])) as connection:
                    keep_bounded(connection, server, state.max_log_bytes)
    except LifeboatError as error:
        return [error]
    return []


def _without(state: DebugState, names: Collection[str]) -> DebugState:
    state = state.without_sites(names)
    for server in state.idle_servers():
        state = state.without_server(server.address)
    return state


def _remove(logs: list[Path], files: StateFiles) -> None:
    for log in logs:
        log.unlink()
    ended = files.read_ended()
    if ended is not None:
        left = tuple(file for file in ended.files if Path(file["path"]) not in logs)
        files.write_ended(replace(ended, files=left))


def _logs_to_remove(files: StateFiles, request: EndRequest, before: DebugState, after: DebugState) -> list[Path]:
    if not request.remove_logs or after.is_on:
        return []
    ended = files.read_ended()
    known = [*(ended.slow_logs if ended else ()), *map(str, slow_logs(before.servers))]
    return [path for path in map(Path, dict.fromkeys(known)) if size_bytes(path)]
