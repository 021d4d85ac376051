"""What the module returns: what is in debug mode now, how it ended, and all of that as lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .end import Surroundings
from .lines import ended_lines, moment, state_lines
from .places import gathered, named_files
from .state import DebugState, Ended


def report(found: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    """Return the result of the module.

    Args:
        found: What ``run_present`` or ``run_absent`` returned.
        around: The I/O.
    """
    state: DebugState = found["state"]
    ended: Ended | None = found.get("ended")
    has_timer = found.get("has_timer", around.timer.is_installed)
    notes = list(found.get("notes", ()))
    files = named_files(gathered(state))
    if state.is_on:
        lines = [*state_lines(state, around.clock(), files, has_timer=has_timer), *notes]
    else:
        files = list(ended.files) if ended else []
        lines = ended_lines(ended)
    return {
        "changed": found["changed"],
        "diff": found["diff"],
        "sites": [{"site": site.site, "until": moment(site.until), "values": site.values} for site in state.sites],
        "servers": [
            {
                "address": server.address,
                "variables": {name: change.wanted for name, change in server.changes.items()},
                "slow_log": server.log_path,
            }
            for server in state.servers
        ],
        "has_timer": has_timer,
        "files": files,
        "notes": notes,
        "lines": lines,
    }
