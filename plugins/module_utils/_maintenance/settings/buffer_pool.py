"""How large InnoDB's buffer pool should be. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..._system.quantities import bytes_text
from .advice import TOLERANCE, UNKNOWN, Advice, changed, left
from .load import MIB, POOL_VARIABLE, HostMemory, Load
from .memory_budget import FORMULA as BUDGET_FORMULA
from .memory_budget import MemoryBudget

LEAST_BYTES = 128 * MIB
# Of InnoDB's tables: a fifth more than they are, for what they grow by and what is not pages.
HOT_SET_FACTOR = 1.2
# Of the host's memory: 70 to 75 % where nothing else runs there; Frappe Cloud's template has 60 %.
DEDICATED_SHARE = 0.70
SHARED_SHARE = 0.60
RAISE_AT_MISS_PERCENT = 1.0  # MariaDB's documentation of the buffer pool
RAISE_BELOW_WAITING_PERCENT = 10.0
# Servers with this variable have no chunks any more (10.11.12, 11.4.6, 11.8.2 and later).
LIMIT_VARIABLE = "innodb_buffer_pool_size_max"
CHUNK_VARIABLE = "innodb_buffer_pool_chunk_size"


def advise_buffer_pool(load: Load) -> list[Advice]:
    """Advise a size: as much as the tables in use need, and as the memory of the host leaves.

    It is raised only where reads miss it and nothing waits for memory, and lowered only where it does not fit: making
    it smaller is expensive, and what is not used is not taken.
    """
    advice = Advice(
        subject="buffer pool",
        variable=POOL_VARIABLE,
        now=str(load.number(POOL_VARIABLE)),
        advised=str(load.number(POOL_VARIABLE)),
        action=UNKNOWN,
        why="the memory of the server's host is not known: run this on that host",
        formula=f"the smaller of 1.2 x InnoDB's tables, and of memory left ({BUDGET_FORMULA}) - other shared buffers "
        "- the buffers of the most connections x 0.3; at most 70 % of the memory (60 % beside a bench)",
        source="MariaDB's documentation (misses below 1 %), frappe/press (60 %), MySQLTuner's sum of buffers",
        caveats=tuple(_caveats(load)),
    )
    return [advice if load.host is None else _advise(advice, load, load.host)]


def _advise(advice: Advice, load: Load, host: HostMemory) -> Advice:
    present = load.number(POOL_VARIABLE)
    budget = MemoryBudget(host)
    rest_bytes = load.need.likely_bytes - load.need.pool_bytes
    share = SHARED_SHARE if host.has_bench else DEDICATED_SHARE
    room_bytes = min(budget.available_bytes - rest_bytes, share * host.total_bytes)
    wanted_bytes = min(room_bytes, HOT_SET_FACTOR * load.innodb_bytes)
    numbers = {
        **budget.numbers(),
        "other_buffers_bytes": rest_bytes,
        "room_bytes": room_bytes,
        "innodb_bytes": load.innodb_bytes,
        "miss_percent": load.miss_percent,
        "waiting_for_memory_percent": host.waiting_percent,
        "used_pool_bytes": load.used_pool_bytes,
    }
    advice = replace(advice, numbers=numbers)
    if present > room_bytes * (1 + TOLERANCE):
        return _lowered(advice, load, room_bytes)
    if wanted_bytes <= present:
        return left(advice, f"it is enough for {bytes_text(load.innodb_bytes)} of tables, or all that memory allows")
    if load.miss_percent is None:
        return left(advice, "too few pages were read to judge whether a larger one would help")
    if load.miss_percent <= RAISE_AT_MISS_PERCENT:
        return left(advice, f"{load.miss_percent:.2f} % of all reads missed it, and up to 1 % is well")
    if (host.waiting_percent or 0.0) >= RAISE_BELOW_WAITING_PERCENT:
        return left(advice, f"programs wait for memory {host.waiting_percent:.0f} % of the time: it may take no more")
    return changed(
        advice,
        _stepped(load, wanted_bytes),
        f"{load.miss_percent:.1f} % of all reads missed it, and {bytes_text(room_bytes)} fit",
    )


def _lowered(advice: Advice, load: Load, room_bytes: float) -> Advice:
    value = _stepped(load, max(room_bytes, LEAST_BYTES))
    why = f"{bytes_text(max(0.0, room_bytes))} fit into the memory that other programs leave"
    if value >= load.number(POOL_VARIABLE):
        return left(advice, f"it is as small as it should ever be, though only {why}")
    if load.used_pool_bytes > value:
        why += (
            f"; {bytes_text(load.used_pool_bytes - value)} of the pages in it have to go, and are read again from the "
            "disk when they are needed"
        )
    return changed(advice, value, why)


def step_bytes(load: Load) -> int:
    """Return in which steps this server changes the pool: whole chunks, or a mebibyte where it has none."""
    if load.has(LIMIT_VARIABLE) or not load.has(CHUNK_VARIABLE):
        return MIB
    instances = load.number("innodb_buffer_pool_instances") if load.has("innodb_buffer_pool_instances") else 1
    return max(MIB, load.number(CHUNK_VARIABLE) * instances)


def _stepped(load: Load, size_bytes: float) -> int:
    step = step_bytes(load)
    return max(step, int(size_bytes // step) * step)


def _caveats(load: Load) -> Iterator[str]:
    if load.has(LIMIT_VARIABLE):
        yield (
            f"this version ({load.version}) changes it in steps of 1 MiB, ignores {CHUNK_VARIABLE}, blocks the "
            f"statement meanwhile, and takes at most {LIMIT_VARIABLE}, which is fixed at the start"
        )
    else:
        yield (
            f"this version ({load.version}) changes it in whole chunks and in the background "
            "(Innodb_buffer_pool_resize_status); versions from 10.11.12, 11.4.6 and 11.8.2 on do not"
        )
