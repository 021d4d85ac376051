"""Deleting what recoveries kept, once it expired or when somebody says so; never the only good copy."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._bench.layout import Site
from .._mariadb.accounts import drop_account, end_connections_to
from .._mariadb.connection import fetch_all, server_errors
from .._mariadb.identifiers import quote_identifier
from .._mariadb.server import drop_database
from .._system.errors import LifeboatError
from .._system.times import parse_rfc3339
from .journal import Journal, journals
from .promotion_plan import MARK_TABLE, look_at_site, neighbours_using, staging_path
from .promotion_state import (
    HOLD_NAME,
    NOT_BEGUN,
    PROMOTED,
    PROMOTING,
    RETIRE,
    RETIRING,
    ROLLED_BACK,
    ROLLING_BACK,
    kept_configuration_path,
    promotion_status,
    read_intent,
)

if TYPE_CHECKING:
    from pymysql.connections import Connection


@dataclass(frozen=True)
class Kept:
    """What a recovery keeps.

    Attributes:
        database: The database that is not live; "" where there is none.
        user: Its account.
        files: The folder with the file trees that are not live; "" where the recovery exchanged none.
        until: Until when it is kept (RFC 3339).
    """

    database: str
    user: str
    files: str
    until: str


def what_is_kept(site: Site, journal: Journal) -> Kept | None:
    """Return what a recovery keeps; None when it keeps nothing, because it was not promoted or was retired."""
    status = promotion_status(journal)
    if status == RETIRING:
        return Kept(**journal.fact("retires"))
    if status not in (PROMOTED, ROLLED_BACK):
        return None
    intent = read_intent(journal)
    folder = staging_path(site, journal.recovery)
    was_replaced = status == PROMOTED
    return Kept(
        database=intent.replaced_database if was_replaced else intent.database,
        user=intent.replaced_user if was_replaced else intent.database,
        files=str(folder) if folder.exists() else "",
        until=journal.plan()["keeps_until"],
    )


def last_promoted(state_path: Path, site: str) -> Journal | None:
    """Return the journal of the last recovery of a site whose promotion began, or None."""
    return next(
        (journal for journal in reversed(journals(state_path, site)) if promotion_status(journal) != NOT_BEGUN), None
    )


def expired_recoveries(state_path: Path, site: Site, now: datetime) -> list[Journal]:
    """Return the journals of the recoveries of a site that keep something which has expired and is not held."""
    found = []
    for journal in journals(state_path, site.name):
        kept = what_is_kept(site, journal)
        if kept is not None and parse_rfc3339(kept.until) <= now and not _is_held(journal):
            found.append(journal)
    return found


def plan_retirement(connection: Connection[Any], site: Site, journal: Journal) -> Kept | None:
    """Return what would be deleted of what a recovery keeps; None when it keeps nothing.

    Raises:
        LifeboatError: ``recovery_held``; ``promotion_unfinished`` when a promotion or a rollback is to be ended first;
            ``only_good_copy`` when the live site does not provably live without what would be deleted.
    """
    status = promotion_status(journal)
    if status in (PROMOTING, ROLLING_BACK):
        raise LifeboatError(
            f"Cannot retire recovery {journal.recovery} of {site.name}: its promotion or its rollback did not end. "
            "Nothing was deleted. Run it to its end first.",
            "promotion_unfinished",
            {"status": status},
        )
    kept = what_is_kept(site, journal)
    if kept is None:
        return None
    if _is_held(journal):
        raise LifeboatError(
            f"Cannot retire recovery {journal.recovery} of {site.name}: it is held. Nothing was deleted. "
            f"Remove {journal.folder / HOLD_NAME} when it is not needed any more.",
            "recovery_held",
        )
    reason = _why_it_may_be_the_only_copy(connection, site, journal, kept)
    if reason:
        raise LifeboatError(
            f"Cannot retire recovery {journal.recovery} of {site.name}: {reason}, so what it kept may be the only good "
            "copy. Nothing was deleted. Bring the live site in order first.",
            "only_good_copy",
            {"database": kept.database},
        )
    return kept


def retire(connection: Connection[Any], site: Site, journal: Journal, kept: Kept) -> None:
    """Delete what a recovery kept: its file trees, its database and account, its configuration.

    A kill in between leaves it half deleted; it is never rolled back then, and the next call goes on.
    """
    action = f"delete what recovery {journal.recovery} of {site.name} kept"
    with server_errors(action), journal.step(RETIRE, retires=asdict(kept)):
        if kept.files and Path(kept.files).exists():
            shutil.rmtree(kept.files)
        if kept.database:
            # A client that idles in an open transaction would make the drop wait.
            end_connections_to(connection, kept.database)
            drop_database(connection, kept.database)
            drop_account(connection, kept.user)
        kept_configuration_path(journal).unlink(missing_ok=True)


def _why_it_may_be_the_only_copy(connection: Connection[Any], site: Site, journal: Journal, kept: Kept) -> str:
    live = look_at_site(site)
    if not live.database:
        return f"the site's configuration is {live.state}"
    if live.database == kept.database:
        return "the live site lives from the very database that would be deleted"
    if live.database not in _databases_of(journals(journal.folder.parent.parent, site.name)):
        return f"the live database {live.database} is not one that a recovery made live"
    sharing = neighbours_using(site, database=kept.database, user=kept.user) if kept.database else []
    if sharing:
        return f"{', '.join(sharing)} uses its database or account"
    try:
        with server_errors("read the live database"):
            table = f"{quote_identifier(live.database)}.{quote_identifier(MARK_TABLE)}"
            fetch_all(connection, f"SELECT COUNT(*) FROM {table}")  # noqa: S608
    except LifeboatError as error:
        return f"the live database {live.database} cannot be read ({error.error_code})"
    return ""


def _databases_of(recoveries: Sequence[Journal]) -> set[str]:
    intents = [read_intent(journal) for journal in recoveries if promotion_status(journal) != NOT_BEGUN]
    return {name for intent in intents for name in (intent.database, intent.replaced_database) if name}


def _is_held(journal: Journal) -> bool:
    return (journal.folder / HOLD_NAME).exists()
