"""What a promotion would do to a site: looked at and worked out, nothing changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._backups.names import FILES, PRIVATE_FILES, SITE_CONFIG
from .._backups.set_configuration import configuration_in_set
from .._bench.configuration import Configuration, DatabaseAddress, database_address, read_configuration
from .._bench.configuration_change import MASK, changed_values
from .._bench.layout import Site
from .._mariadb.accounts import account_hosts
from .._mariadb.connection import fetch_all, server_errors
from .._mariadb.server import list_tables
from .._system.errors import LifeboatError
from .journal import Journal
from .login import LOCAL_HOSTS
from .promotion_state import (
    CONFIGURATION_INVALID,
    CONFIGURATION_MISSING,
    CONFIGURATION_VALID,
    NOT_BEGUN,
    PROMOTED,
    PROMOTING,
    RETIRED,
    RETIRING,
    Intent,
    promotion_status,
    read_intent,
)
from .record_summary import DATABASE_STEP, FILES_STEP
from .site_values import promoted_configuration, switch_values
from .surroundings import common_configuration
from .trees import Tree, staged_tree_names

if TYPE_CHECKING:
    from pymysql.connections import Connection

STAGING_FOLDER = ".lifeboat"
FILES_KINDS = (FILES, PRIVATE_FILES)
# Frappe's own mark of a database that a restore filled: `bench restore` looks for the same table.
MARK_TABLE = "tabDefaultValue"


@dataclass(frozen=True)
class LiveState:
    """The configuration of the live site as it is now.

    Attributes:
        configuration: Its values; None where it is missing or invalid.
        state: Whether it is valid, invalid or missing.
        address: Where its database is; None where that is not known.
    """

    configuration: Configuration | None = field(repr=False)
    state: str
    address: DatabaseAddress | None

    @property
    def database(self) -> str:
        """The database that is live, "" where that is not known."""
        return self.address.db_name if self.address else ""


@dataclass(frozen=True)
class PromotionPlan:
    """What a promotion does.

    Attributes:
        intent: The databases, accounts, switches and trees (their inodes are known only when it begins).
        needed: False when the site already lives from this recovery.
        resumed: A promotion that was begun goes on.
        switched: The configuration already names the new database.
        set_configuration: The configuration in the set.
        before: Values of the live configuration that change, masked.
        after: The same values after the promotion, masked.
        kept_until: Until when the replaced site is kept (RFC 3339).
    """

    intent: Intent
    needed: bool
    resumed: bool
    switched: bool
    set_configuration: Mapping[str, Any] = field(repr=False)
    before: Mapping[str, Any] = field(repr=False)
    after: Mapping[str, Any] = field(repr=False)
    kept_until: str

    def as_dict(self) -> dict[str, Any]:
        """Return what a person is shown of it, as JSON values."""
        if not self.needed:
            return {"steps": []}
        return {
            "steps": _steps(self),
            "database": self.intent.database,
            "replaced_database": self.intent.replaced_database,
            "fenced_account": self.intent.replaced_user,
            "files": [tree.name for tree in self.intent.trees],
            "configuration": {"before": dict(self.before), "after": dict(self.after)},
            "resumed": self.resumed,
        }


def staging_path(site: Site, recovery: str) -> Path:
    """Return where the staged trees of a recovery are, and after the exchange what they replaced."""
    return site.path / STAGING_FOLDER / recovery


def look_at_site(site: Site) -> LiveState:
    """Read what is live; a configuration that is broken or gone is a finding here, no error."""
    try:
        configuration = read_configuration(site.config_path)
        address = database_address(configuration, common_configuration(site.bench))
    except LifeboatError as error:
        missing = error.error_code == "configuration_missing"
        return LiveState(None, CONFIGURATION_MISSING if missing else CONFIGURATION_INVALID, None)
    return LiveState(configuration, CONFIGURATION_VALID, address)


def plan_promotion(
    connection: Connection[Any], site: Site, journal: Journal, encryption_key: str | None = None
) -> PromotionPlan:
    """Work out the promotion of a recovery, or what is left of one that was begun.

    Args:
        connection: To the server.
        site: The site.
        journal: Of the recovery.
        encryption_key: What opens the configuration of an encrypted set; None for that of the site.

    Raises:
        LifeboatError: ``recovery_unknown``, ``not_staged``, ``site_changed``, ``account_shared``,
            ``promotion_refused`` after a rollback, ``files_not_exchangeable``, ``key_missing`` and ``key_wrong``.
    """
    status = promotion_status(journal)
    plan = journal.plan()
    live = look_at_site(site)
    from_set = set_configuration_of(plan, site, encryption_key)
    with server_errors(f"look at the databases of {site.name}"):
        intent = _new_intent(connection, site, journal, live, from_set) if status == NOT_BEGUN else read_intent(journal)
    switched = live.database == intent.database
    needed = status in (NOT_BEGUN, PROMOTING)
    if not needed and not (switched and status in (PROMOTED, RETIRING, RETIRED)):
        _refuse_again(site, journal, status)
    if status == PROMOTING and not switched and not is_as_before(live, intent):
        raise site_changed_error(site, journal, live)
    after = promoted_configuration(live.configuration, from_set, intent.database, MASK, intent.switches)
    before_masked, after_masked = changed_values(live.configuration or {}, after)
    return PromotionPlan(
        intent=intent,
        needed=needed,
        resumed=status == PROMOTING,
        switched=switched,
        set_configuration=from_set,
        before=before_masked,
        after=after_masked,
        kept_until=plan["keeps_until"],
    )


def is_as_before(live: LiveState, intent: Intent) -> bool:
    """Tell whether the site's configuration still is, or is again, the one that a promotion found."""
    original = intent.replaced_database if intent.configuration == CONFIGURATION_VALID else ""
    return (live.state, live.database) == (intent.configuration, original)


def site_changed_error(site: Site, journal: Journal, live: LiveState) -> LifeboatError:
    """Say that the site is neither as the recovery found it nor as it left it."""
    return LifeboatError(
        f"Cannot go on with recovery {journal.recovery} of {site.name}: the site's configuration was changed by "
        f"something else, it is {live.state} and names the database {live.database or '(none)'}. Nothing was changed. "
        "Look at what is live, then begin a new recovery.",
        "site_changed",
        {"live_database": live.database, "configuration": live.state},
    )


def neighbours_using(site: Site, *, database: str, user: str) -> list[str]:
    """Return the other sites of the bench that live from a database or log in with an account."""
    neighbours = ((other.name, look_at_site(other).address) for other in site.bench.sites() if other.name != site.name)
    return [
        name for name, address in neighbours if address and (address.db_name == database or address.db_user == user)
    ]


def _new_intent(
    connection: Connection[Any], site: Site, journal: Journal, live: LiveState, from_set: Mapping[str, Any]
) -> Intent:
    plan = journal.plan()
    database = journal.fact(DATABASE_STEP)
    if not journal.is_done(DATABASE_STEP) or MARK_TABLE not in list_tables(connection, database):
        raise _not_staged_error(site, journal, "its staging database is not there, not filled or not proven")
    has_files = any(artifact["kind"] in FILES_KINDS for artifact in plan["set"]["artifacts"])
    if has_files and not journal.is_done(FILES_STEP):
        raise _not_staged_error(site, journal, "the files of its set are not staged or not proven")
    expected = plan["replaces"]["db_name"]
    if live.configuration is not None and live.database != expected:
        raise site_changed_error(site, journal, live)
    replaced, user = live.database, live.address.db_user if live.address else ""
    if live.configuration is None and plan["replaces"]["database_exists"]:
        replaced = expected
        user = str(from_set.get("db_user") or expected) if from_set.get("db_name") == expected else expected
    refuse_shared(connection, site, replaced, user)
    hosts = account_hosts(connection, user) if user else []
    return Intent(
        database=database,
        replaced_database=replaced,
        replaced_user=user,
        account_hosts=hosts or hosts_for(live.address),
        configuration=live.state,
        configuration_mode=0 if live.state == CONFIGURATION_MISSING else site.config_path.stat().st_mode & 0o777,
        switches=(journal.fact("quiesce") or {}).get("switches", switch_values(live.configuration or {})),
        trees=[Tree(name, 0, 0) for name in staged_tree_names(site.path, staging_path(site, journal.recovery))],
    )


def _not_staged_error(site: Site, journal: Journal, reason: str) -> LifeboatError:
    return LifeboatError(
        f"Cannot promote recovery {journal.recovery} of {site.name}: {reason}. Nothing was changed. "
        "Run the recovery again; it goes on where it stopped.",
        "not_staged",
    )


def refuse_shared(connection: Connection[Any], site: Site, database: str, user: str) -> None:
    """Refuse to fence a database, or its account, that something else uses as well.

    Raises:
        LifeboatError: ``account_shared``.
    """
    if not database:
        return
    sharing = neighbours_using(site, database=database, user=user)
    if fetch_all(connection, "SELECT SUBSTRING_INDEX(USER(), '@', 1)")[0][0] == user:
        sharing.append("this module's own login")
    if sharing:
        raise LifeboatError(
            f"Cannot fence the database {database} of {site.name}: {', '.join(sharing)} uses it or its account {user} "
            "as well, and would be cut off. Nothing was changed. Give each site a database and an account of its own, "
            "and this module the login of an administrator.",
            "account_shared",
            {"database": database, "user": user, "shared_with": sharing},
        )


def hosts_for(address: DatabaseAddress | None) -> list[str]:
    """Return the host parts for the account of a site whose replaced account tells none."""
    local = address is None or address.socket is not None or address.host in LOCAL_HOSTS
    return sorted(LOCAL_HOSTS) if local else ["%"]


def set_configuration_of(plan: Mapping[str, Any], site: Site, encryption_key: str | None = None) -> Configuration:
    """Return the configuration in the set that a recovery was planned with; empty where the set has none.

    Args:
        plan: The plan.
        site: The site, whose key opens an encrypted set when none is given.
        encryption_key: The key that was given.
    """
    artifacts: Iterable[Mapping[str, Any]] = plan["set"]["artifacts"]
    path = next((Path(artifact["path"]) for artifact in artifacts if artifact["kind"] == SITE_CONFIG), None)
    return configuration_in_set(path, encryption_key, site)


def _refuse_again(site: Site, journal: Journal, status: str) -> None:
    raise LifeboatError(
        f"Cannot promote recovery {journal.recovery} of {site.name}: it is {status.replace('_', ' ')}, and what it had "
        "restored may have been written to since it was proven. Nothing was changed. Begin a new recovery.",
        "promotion_refused",
        {"status": status},
    )


def _steps(plan: PromotionPlan) -> list[str]:
    steps = [] if plan.switched else ["folders", "drain", "account", "data"]
    if not plan.switched and plan.intent.configuration == CONFIGURATION_VALID:
        steps.append("maintenance")
    if not plan.switched:
        steps += ["fence", "files", "configuration"]
    return [f"promote.{step}" for step in (*steps, "reload", "cache")]
