"""What Frappe keeps of a site in the Redis cache: keys that begin with the name of its database."""

from __future__ import annotations

import re

from .connection import redis_connection

BATCH_KEYS = 1000


def delete_site_keys(cache_url: str, db_name: str) -> int:
    """Delete the cached keys of one database and return how many there were; keys of other sites stay.

    Args:
        cache_url: The URL of the cache.
        db_name: The database whose keys go. Keys of ``_abc`` are ``_abc|...``; those of ``_abcd`` do not match.

    Raises:
        LifeboatError: ``redis_unavailable`` or ``library_missing``. A site with a new database name has no
            stale key, so a caller may go on without.
    """
    pattern = re.sub(r"([\\*?\[\]])", r"\\\1", db_name) + "|*"
    with redis_connection(cache_url) as connection:
        # A scan may name a key twice, and naming thousands in one command would hold up the other sites.
        keys = sorted(set(connection.scan_iter(match=pattern, count=BATCH_KEYS)))
        batches = (keys[start : start + BATCH_KEYS] for start in range(0, len(keys), BATCH_KEYS))
        return sum(connection.unlink(*batch) for batch in batches)
