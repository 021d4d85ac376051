"""What Frappe parks in the cache until its scheduler writes it to the database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ..._system.quantities import count_text
from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.redis_instance import CACHE, RedisInstance

# Limits of looking, however many keys there are.
SCAN_SECONDS = 1.0
SCAN_COUNT = 1000
MOST_LISTS = 500
SHOWN = 5


@check(
    "R12",
    "redis.frappe_keys",
    title="Data that waits in the cache for the scheduler",
    subject="redis",
    target=RedisInstance,
    measures="the longest list in the cache: monitor-transactions (Frappe cuts it at a million), insert_queue_for_...",
    source="SCAN for lists of Frappe's form, LLEN",
    unit="count",
    warning="100000",
    critical="900000",
    impact="medium",
    remediation=Remediation(
        "See why the scheduler does not run (bench scheduler status); until it does, do not clear or restart the cache."
    ),
    reference="Frappe's monitor.py (MONITOR_MAX_ENTRIES) and deferred_insert.py",
)
def frappe_keys(target: RedisInstance) -> Iterator[Measurement]:
    """Look for lists that grow."""
    if CACHE not in target.roles:
        raise NotApplicableError("Frappe parks nothing here")
    lengths, is_complete = target.ask(_list_lengths)
    longest = sorted(((length, name) for name, length in lengths.items()), reverse=True)[:SHOWN]
    text = (
        f"the longest of {count_text(len(lengths), 'list')} has {count_text(longest[0][0], 'item')}"
        if longest
        else "there is no such list"
    )
    yield Measurement(
        longest[0][0] if longest else 0,
        text=text if is_complete else f"{text}; not all keys could be looked at in {SCAN_SECONDS:g} seconds",
        evidence=tuple(f"{name}: {count_text(length, 'item')}" for length, name in longest),
    )


def _list_lengths(connection: Any) -> tuple[dict[str, int], bool]:
    """Return the lists that are found in the time there is, with their lengths, and whether these are all."""
    end = time.monotonic() + SCAN_SECONDS
    keys: set[bytes] = set()
    cursor = -1
    while cursor and time.monotonic() < end and len(keys) < MOST_LISTS:
        # Frappe's keys begin with the name of the site's database.
        cursor, found = connection.scan(max(cursor, 0), match="*|*", count=SCAN_COUNT, _type="list")
        keys.update(found)
    names = sorted(keys)
    with connection.pipeline(transaction=False) as pipeline:
        for key in names:
            pipeline.llen(key)
        lengths = pipeline.execute()
    return {key.decode(errors="replace")[:80]: length for key, length in zip(names, lengths)}, not cursor
