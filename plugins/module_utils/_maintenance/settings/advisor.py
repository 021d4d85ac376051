"""All advice for one server. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Callable

from ..._system.quantities import duration_text
from .advice import WAIT, Advice, left
from .buffer_pool import advise_buffer_pool
from .connections import advise_connections
from .durability import advise_durability
from .load import Load
from .redo_log import advise_redo_log
from .table_cache import advise_table_cache
from .temporary_tables import advise_temporary_tables

# In this order: each knows what was advised before it. The pool takes memory from temporary tables and bounds the redo
# log; connections take files from the table cache.
SUBJECTS: tuple[Callable[[Load], Iterable[Advice]], ...] = (
    advise_buffer_pool,
    advise_redo_log,
    advise_connections,
    advise_table_cache,
    advise_temporary_tables,
    advise_durability,
)


def advise(load: Load, keep: Collection[str], least_seconds: float) -> list[Advice]:
    """Return what is advised for each variable.

    Args:
        load: The load that was measured.
        keep: Variables that stay as they are, whatever the load says.
        least_seconds: Nothing is advised where the load was seen for a shorter time.
    """
    found: list[Advice] = []
    for subject in SUBJECTS:
        advised = [_held_back(advice, load, keep, least_seconds) for advice in subject(load)]
        for advice in advised:
            load = load.with_value(advice.variable, advice.advised)
        found += advised
    return found


def _held_back(advice: Advice, load: Load, keep: Collection[str], least_seconds: float) -> Advice:
    if advice.variable in keep:
        return left(advice, "it is to be kept (option keep)")
    if load.seen_seconds < least_seconds:
        return left(
            advice,
            f"the load was seen for {duration_text(load.seen_seconds)} only, since the server's start or its last new "
            f"settings; nothing is advised before {duration_text(least_seconds)}",
            WAIT,
        )
    return advice
