"""How far the promotion of a recovery is, and what it set out to do, from its journal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._system.errors import LifeboatError
from .journal import Journal
from .trees import Tree

NOT_BEGUN = "not_begun"
PROMOTING = "promoting"
PROMOTED = "promoted"
ROLLING_BACK = "rolling_back"
ROLLED_BACK = "rolled_back"
RETIRING = "retiring"
RETIRED = "retired"

PROMOTE = "promote"
ROLL_BACK = "rollback"
RETIRE = "retire"
INTENT = "promote.intent"

CONFIGURATION_VALID = "valid"
CONFIGURATION_INVALID = "invalid"
CONFIGURATION_MISSING = "missing"

KEPT_FOLDER = "kept"
HOLD_NAME = "hold"

# Which entry of the journal moves the recovery to which state; an entry of a later state always follows.
_STATUS_OF_ENTRY = {
    (INTENT, "done"): PROMOTING,
    (PROMOTE, "done"): PROMOTED,
    (ROLL_BACK, "begin"): ROLLING_BACK,
    (ROLL_BACK, "done"): ROLLED_BACK,
    (RETIRE, "begin"): RETIRING,
    (RETIRE, "done"): RETIRED,
}


@dataclass(frozen=True)
class Intent:
    """What a promotion set out to do, written before it changes anything.

    Attributes:
        database: The database that becomes live; its account has the same name.
        replaced_database: The database that was live; "" where there was none.
        replaced_user: Its account; "" where there was none.
        account_hosts: The host parts under which the new account may log in.
        configuration: Whether the site's configuration was valid, invalid or missing.
        configuration_mode: The permission bits of its file; 0 where it was missing.
        switches: The switches of maintenance that were in it, with their exact values.
        trees: The file trees to exchange.
    """

    database: str
    replaced_database: str
    replaced_user: str
    account_hosts: list[str]
    configuration: str
    configuration_mode: int
    switches: dict[str, Any]
    trees: list[Tree]


def kept_configuration_path(journal: Journal) -> Path:
    """Return where the bytes of the replaced configuration are kept."""
    return journal.folder / KEPT_FOLDER / "site_config.json"


def promotion_status(journal: Journal) -> str:
    """Return how far the promotion of a recovery is: one of the names above."""
    status = NOT_BEGUN
    for entry in journal.entries():
        status = _STATUS_OF_ENTRY.get((entry.step, entry.event), status)
    return status


def read_intent(journal: Journal) -> Intent:
    """Return what the promotion set out to do.

    Raises:
        LifeboatError: ``recovery_unknown`` when it was never begun.
    """
    intent = journal.fact("intent")
    if intent is None:
        raise LifeboatError(
            f"Cannot find a promotion of recovery {journal.recovery}: none was begun on this host.", "recovery_unknown"
        )
    return Intent(**{**intent, "trees": [Tree(**tree) for tree in intent["trees"]]})


def finished_steps(journal: Journal, prefix: str) -> list[dict[str, Any]]:
    """Return the steps below a name that were done, with their seconds, in their order."""
    return [
        {"name": entry.step, "seconds": entry.facts.get("seconds", 0.0)}
        for entry in journal.entries()
        if entry.event == "done" and entry.step.startswith(f"{prefix}.")
    ]
