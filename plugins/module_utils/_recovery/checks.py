"""Pure checks of a chosen set against the live site: what would make a recovery wrong, before anything is changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .._backups.names import STREAMED_SLUG, site_slug
from .._bench.apps import compare_versions
from .._bench.configuration import MARIADB, database_kind
from .._system.errors import LifeboatError

PASSED, WARNING, SKIPPED, FAILED = "passed", "warning", "skipped", "failed"
TABLES_SHOWN = 5
BYTES_PER_TABLE = 256 * 1024
DATABASE_BYTES_PER_SQL_BYTE = 3.5


@dataclass(frozen=True)
class Check:
    """One thing that was looked at before the recovery.

    Attributes:
        name: What was looked at.
        outcome: passed, warning, skipped or failed.
        text: A sentence for people.
        error_code: The code with which a failed check refuses the recovery.
    """

    name: str
    outcome: str
    text: str
    error_code: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return what the plan shows of it."""
        shown = asdict(self)
        del shown["error_code"]
        return shown


def key_fingerprint(key: str) -> str:
    """Name a key without telling it: the first 12 hex digits of its SHA-256."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def check_identity(
    site: str,
    neighbours: Iterable[str],
    set_slug: str,
    archive_site: str | None,
    live_configuration: Mapping[str, Any],
    set_configuration: Mapping[str, Any],
    allow_cross_site: bool,
) -> Check:
    """Check that a set is of this site: by the name in its archives, the slug in its names, its database and its key.

    The slug is lossy (``a.b`` and ``a_b`` are the same), so where a neighbour shares it the archives' site, the
    database's name or the key has to agree.
    """
    same = [
        key
        for key in ("db_name", "encryption_key")
        if live_configuration.get(key) and live_configuration.get(key) == set_configuration.get(key)
    ]
    shared_slug = any(other != site and site_slug(other) == site_slug(site) for other in neighbours)
    if archive_site is not None and archive_site != site:
        reason = f"its archives hold files of {archive_site}"
    elif archive_site is None and set_slug not in (STREAMED_SLUG, site_slug(site)):
        reason = f"its artifacts are named after {set_slug}"
    elif archive_site is None and not same and (shared_slug or set_slug == STREAMED_SLUG):
        reason = "nothing in it names this site, and neither its database's name nor its key is the live site's"
    else:
        return Check("identity", PASSED, f"The set is of {site}.")
    if allow_cross_site:
        return Check("identity", WARNING, f"The set is not of {site}: {reason}. Allowed by allow_cross_site.")
    return Check(
        "identity",
        FAILED,
        f"The set is not of {site}: {reason}. If that is what you want, add -e allow_cross_site=true.",
        "wrong_site",
    )


def check_database_kind(live_configuration: Mapping[str, Any], set_configuration: Mapping[str, Any]) -> list[Check]:
    """Refuse a site that lives elsewhere than in MariaDB, as its configuration says, or that of the set without one."""
    kind = database_kind(live_configuration or set_configuration)
    if kind == MARIADB:
        return []
    return [
        Check(
            "database",
            FAILED,
            f"Its database is of the type {kind} (db_type of its configuration), and only MariaDB is recovered.",
            "database_unsupported",
        )
    ]


def check_versions(bench_apps: Mapping[str, str], set_apps: Mapping[str, str], allow_newer_apps: bool) -> Check:
    """Check that no app of the set is newer than the bench's, and that the bench has every app of the set."""
    newer = [
        f"{app} {version} (bench: {bench_apps[app]})"
        for app, version in sorted(set_apps.items())
        if app in bench_apps and compare_versions(version, bench_apps[app]) > 0
    ]
    absent = [
        f"{app} {version} (not on the bench)" for app, version in sorted(set_apps.items()) if app not in bench_apps
    ]
    if not bench_apps:
        return Check("versions", SKIPPED, "The bench has no apps that could be compared.")
    if not newer and not absent:
        return Check(
            "versions", PASSED, f"No app of the set is newer than the bench's ({', '.join(sorted(set_apps))})."
        )
    found = ", ".join(newer + absent)
    if allow_newer_apps:
        return Check(
            "versions", WARNING, f"The set comes from newer or other apps: {found}. Run bench migrate afterwards."
        )
    return Check(
        "versions",
        FAILED,
        f"The set comes from newer or other apps than the bench has: {found}. Update the bench first, "
        "or add -e allow_newer_apps=true.",
        "app_newer",
    )


def check_collations(unknown: Iterable[str], tables_of: Mapping[str, Iterable[str]]) -> Check:
    """Check that the server knows every collation of the set.

    Args:
        unknown: The collations that it does not know.
        tables_of: Collation to the tables that use it.
    """
    tables = sorted({table for collation in unknown for table in tables_of[collation]})
    if not tables:
        return Check("collations", PASSED, "The server knows every collation of the set.")
    more = f" and {len(tables) - TABLES_SHOWN} more" if len(tables) > TABLES_SHOWN else ""
    shown = ", ".join(tables[:TABLES_SHOWN]) + more
    return Check(
        "collations",
        FAILED,
        f"The server does not know {', '.join(sorted(unknown))}, which {shown} of the set use. Recover it on a server "
        "of at least the version that the set was made on.",
        "collation_unknown",
    )


def check_keys(live_configuration: Mapping[str, Any], set_configuration: Mapping[str, Any] | None) -> Check:
    """Check which key will open the stored passwords of the recovered site."""
    live_key, set_key = live_configuration.get("encryption_key"), (set_configuration or {}).get("encryption_key")
    if set_key and live_key and set_key != live_key:
        return Check(
            "keys",
            WARNING,
            f"The live site's encryption key ({key_fingerprint(live_key)}) is not the set's "
            f"({key_fingerprint(set_key)}); the set's will be used, since it belongs to the data.",
        )
    key, origin = (set_key, "set") if set_key else (live_key, "live site")
    if key:
        return Check("keys", PASSED, f"The encryption key {key_fingerprint(key)} of the {origin} is used.")
    return Check(
        "keys", WARNING, "Neither the set nor the live site has an encryption key; stored passwords stay locked."
    )


def database_bytes_needed(sql_bytes: int, table_count: int) -> int:
    """Estimate what a load needs in the data directory, index builds included (3.5 times the SQL, as measured)."""
    return int(sql_bytes * DATABASE_BYTES_PER_SQL_BYTE) + table_count * BYTES_PER_TABLE


def check_space(name: str, place: str, needed_bytes: int, free: int | None, reserve_bytes: int) -> Check:
    """Check that a file system has room for the replacement beside the live site, and the reserve after that."""
    if free is None:
        return Check(name, SKIPPED, f"The free space of {place} cannot be seen from here.")
    if free < needed_bytes + reserve_bytes:
        short = needed_bytes + reserve_bytes - free
        return Check(
            name,
            FAILED,
            f"{place} has {_mebibytes(free)} free, the replacement needs {_mebibytes(needed_bytes)} and "
            f"{_mebibytes(reserve_bytes)} stay in reserve: {_mebibytes(short)} are missing. Free or add space there.",
            "disk_space",
        )
    return Check(name, PASSED, f"{place} has {_mebibytes(free)} free, {_mebibytes(needed_bytes)} are needed.")


def refuse_failed(site: str, checks: Iterable[Check]) -> None:
    """Refuse the recovery when a check failed, naming all that did.

    Raises:
        LifeboatError: With the code of the first failed check.
    """
    failed = [check for check in checks if check.outcome == FAILED]
    if failed:
        raise LifeboatError(
            f"Cannot recover {site}: " + " ".join(check.text for check in failed) + " Nothing was changed.",
            failed[0].error_code,
            {"checks": [check.as_dict() for check in failed]},
        )


def _mebibytes(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"
