"""The result of a run: the same keys whatever it did. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .drop_in import DropIn
from .kept import Kept
from .option_files import Place
from .plan import SettingsPlan, texts

NOTHING_KEPT = "Nothing was kept, so nothing is put back."


def outcome(
    plan: SettingsPlan,
    kept: Kept | None,
    wanted: DropIn,
    place: Place,
    lines: Sequence[str],
    advice: Sequence[Mapping[str, Any]] = (),
    overridden: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the result of the module.

    Args:
        plan: What was, or would be, done.
        kept: What the settings were before the first change; None where there was none.
        wanted: The file as it is, or could be.
        place: Where the file is.
        lines: All of it for people.
        advice: What is advised for each variable.
        overridden: Why the server will not have a variable of the file after a restart, by its name.
    """
    path = str(place.path or "")
    return {
        "changed": not plan.is_empty,
        "advice": list(advice),
        "drop_in": wanted.text,
        "drop_in_sha256": wanted.sha256,
        "drop_in_path": path,
        "applied": texts(plan.live),
        "pending_restart": texts(plan.pending),
        "overridden": dict(overridden or {}),
        "previous": texts(kept.variables) if kept else {},
        "lines": list(lines),
        "diff": [
            {"before_header": path, "after_header": path, "before": plan.before or "", "after": plan.after or ""},
            {
                "before_header": "running server",
                "after_header": "running server",
                "before": {name: plan.present[name] for name in plan.live},
                "after": dict(plan.live),
            },
        ],
    }


def next_step(place: Place, is_new: bool) -> str:
    """Return what a person who reads the advice can do."""
    if place.path is None:
        return f"Advice only: {place.reason}."
    if not is_new:
        return "Nothing new is advised."
    return (
        f"Nothing was changed. Apply it with -e apply=true, or review the file that would be {place.path} and apply "
        "exactly that with -e settings=FILE -e settings_sha256=SHA256."
    )
