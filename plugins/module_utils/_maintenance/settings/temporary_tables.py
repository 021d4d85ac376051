"""How large temporary tables in memory may become. Pure."""

from __future__ import annotations

from ..._mariadb.memory_need import USED_SHARE_OF_THREAD
from ..._system.quantities import bytes_text
from .advice import LEAVE, Advice, changed, left
from .load import MIB, TEMPORARY_VARIABLES, Load
from .memory_budget import MemoryBudget

ON_DISK_PERCENT = 25
# One step and no further: what is larger, or holds long texts, goes to the disk however much is allowed.
ADVISED_BYTES = 64 * MIB


def advise_temporary_tables(load: Load) -> list[Advice]:
    """Advise both limits, of which the smaller counts, where much goes to the disk and memory has room."""
    return [_advise(load, variable) for variable in TEMPORARY_VARIABLES]


def _advise(load: Load, variable: str) -> Advice:
    present = load.number(variable)
    room_bytes = _room_for_each(load)
    advice = Advice(
        subject="temporary tables",
        variable=variable,
        now=str(present),
        advised=str(present),
        action=LEAVE,
        why="too few temporary tables were made to judge",
        formula="64 MiB where more than 25 % go to the disk, and as far as the memory left / (the most connections x "
        "0.3) allows; both variables together",
        source="MySQLTuner (25 %); 64 MiB: own proposal",
        numbers={"on_disk_percent": load.temporary_percent, "room_for_each_bytes": room_bytes},
        caveats=(
            "tables with long texts go to the disk whatever this allows: look at the statements (slow_query_info)",
        ),
    )
    if load.temporary_percent is None:
        return advice
    if load.temporary_percent <= ON_DISK_PERCENT:
        return left(advice, f"{load.temporary_percent:.0f} % went to the disk")
    if present >= ADVISED_BYTES:
        return left(advice, f"{load.temporary_percent:.0f} % went to the disk, and a higher limit seldom helps")
    if room_bytes is None:
        return left(advice, "the memory of the server's host is not known: run this on that host")
    # Whole mebibytes: both variables are multiples of 16 KiB.
    value = int(min(ADVISED_BYTES, room_bytes) // MIB) * MIB
    if value <= present:
        return left(advice, f"{load.temporary_percent:.0f} % went to the disk, but memory has no room for larger ones")
    return changed(advice, value, f"{load.temporary_percent:.0f} % went to the disk; {bytes_text(value)} each fit")


def _room_for_each(load: Load) -> float | None:
    """Return what a temporary table of each connection may take at most, with what it takes now."""
    if load.host is None:
        return None
    free_bytes = MemoryBudget(load.host).available_bytes - load.need.likely_bytes
    return max(0.0, load.temporary_table_bytes + free_bytes / (max(1, load.peak_connections) * USED_SHARE_OF_THREAD))
