"""What Frappe keeps of a site in the Redis cache: keys that begin with the name of its database."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .connection import redis_connection

BATCH_KEYS = 1000
# What cannot be made again from the database: rows that are yet to be inserted, sessions, records of a look, and what
# counts requests and failed logins, which would give whoever attacks a site a new start.
LASTING_KEYS = (
    "insert_queue_for_",
    "monitor-transactions",
    "recorder-",
    "changelog-",
    "global_search_queue",
    "rate-limit-counter-",
    "rl:",
    "login_failed_",
    "session",
)


def delete_site_keys(cache_url: str, db_name: str, kept: Iterable[str] = ()) -> int:
    """Delete the cached keys of one database and return how many there were; keys of other sites stay.

    Args:
        cache_url: The URL of the cache.
        db_name: The database whose keys go. Keys of ``_abc`` are ``_abc|...``; those of ``_abcd`` do not match.
        kept: What the names of keys begin with that stay, without the database, as ``LASTING_KEYS``.

    Raises:
        LifeboatError: ``redis_unavailable`` or ``library_missing``. A site with a new database name has no
            stale key, so a caller may go on without.
    """
    with redis_connection(cache_url) as connection:
        keys = _site_keys(connection, db_name, kept)
        # Naming thousands in one command would hold up the other sites.
        batches = (keys[start : start + BATCH_KEYS] for start in range(0, len(keys), BATCH_KEYS))
        return sum(connection.unlink(*batch) for batch in batches)


def count_site_keys(cache_url: str, db_name: str, kept: Iterable[str] = ()) -> int:
    """Count what ``delete_site_keys`` would delete; raises as it does."""
    with redis_connection(cache_url) as connection:
        return len(_site_keys(connection, db_name, kept))


def _site_keys(connection: Any, db_name: str, kept: Iterable[str]) -> list[bytes]:
    pattern = re.sub(r"([\\*?\[\]])", r"\\\1", db_name) + "|*"
    lasting = tuple(f"{db_name}|{prefix}".encode() for prefix in kept)
    # A scan may name a key twice.
    found = set(connection.scan_iter(match=pattern, count=BATCH_KEYS))
    return sorted(key for key in found if not key.startswith(lasting))
