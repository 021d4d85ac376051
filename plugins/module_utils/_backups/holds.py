"""Sets that a person holds: no retention removes them until they are released."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from .._system.errors import LifeboatError
from .._system.files import make_private_folder, write_json_atomically

HOLDS_NAME = "holds.json"


@dataclass(frozen=True)
class Hold:
    """Why a set is, or was, held, by whom and since when (RFC 3339 in UTC); a release is remembered as well."""

    held: bool
    reason: str
    by: str
    at: str


def read_holds(site_folder: Path) -> dict[str, Hold]:
    """Return what was said of each set that was ever held.

    Raises:
        LifeboatError: ``holds_damaged`` when the file cannot be understood: no set may be removed then.
    """
    path = site_folder / HOLDS_NAME
    try:
        return {name: Hold(**values) for name, values in json.loads(path.read_bytes()).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise LifeboatError(
            f"Cannot tell which sets are held: {path} cannot be understood ({error}). Put it back from a copy, or "
            "remove it and hold the sets again.",
            "holds_damaged",
            {"path": str(path)},
        ) from error


def plan_hold(present: Hold | None, held: bool, reason: str, by: str, at: str) -> Hold | None:
    """Return the hold that a set is to have; the present one where nothing is to be changed.

    Args:
        present: What was said of the set so far.
        held: Whether it is to be held.
        reason: Why; "" keeps the reason that there is.
        by: Who says so.
        at: When, RFC 3339 in UTC.
    """
    if held == (present is not None and present.held) and reason in ("", present.reason if present else ""):
        return present
    return Hold(held, reason, by, at)


def write_holds(site_folder: Path, holds: Mapping[str, Hold]) -> None:
    """Replace what is said of held sets."""
    make_private_folder(site_folder)
    write_json_atomically(site_folder / HOLDS_NAME, {name: asdict(hold) for name, hold in holds.items()})
