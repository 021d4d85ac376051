"""How many connections a server should allow. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from ..._checks.subjects.mariadb_load import PEAK_PERCENT
from ..._system.quantities import bytes_text
from .advice import LEAVE, Advice, changed
from .load import Load

VARIABLE = "max_connections"
GROWTH_FACTOR = 1.3
RESERVE = 20
ROUND_TO = 10


def advise_connections(load: Load) -> list[Advice]:
    """Advise as many as all workers may open, and as ever were open; more than that are left, they cost nothing."""
    return [_advise(load)]


def _advise(load: Load) -> Advice:
    present = load.number(VARIABLE)
    for_workers = load.expected_connections * GROWTH_FACTOR + RESERVE
    for_peak = load.peak_connections * 100 / PEAK_PERCENT
    wanted = ceil(max(for_workers, for_peak) / ROUND_TO) * ROUND_TO
    advice = Advice(
        subject="connections",
        variable=VARIABLE,
        now=str(present),
        advised=str(present),
        action=LEAVE,
        why=f"{wanted} are enough for {load.expected_connections} that the benches here may open, and for the most "
        f"that ever were, {load.peak_connections}",
        formula="(web workers x threads + queue workers x 2 + schedulers) x 1.3 + 20, and at least "
        f"Max_used_connections / {PEAK_PERCENT} %",
        source=f"own sum of what a bench opens; MySQLTuner ({PEAK_PERCENT} % for the peak)",
        numbers={
            "expected_connections": load.expected_connections,
            "max_used_connections": load.peak_connections,
            "for_workers": for_workers,
            "for_peak": for_peak,
            "thread_bytes": load.need.thread_bytes,
        },
        caveats=tuple(_caveats(load, wanted)),
    )
    if present >= wanted:
        return advice
    return changed(
        advice,
        wanted,
        f"the benches here may open {load.expected_connections}, and up to {load.peak_connections} were open",
    )


def _caveats(load: Load, wanted: int) -> Iterator[str]:
    yield (
        f"if all {max(wanted, load.number(VARIABLE))} used all their buffers, they would take "
        f"{bytes_text(max(wanted, load.number(VARIABLE)) * load.need.thread_bytes)}"
    )
    if load.variables.get("extra_port", "0") == "0":
        yield "extra_port is off: with it (and a restart) an administrator gets in when all connections are taken"
    else:
        yield f"extra_port {load.variables['extra_port']} keeps a way in for an administrator: leave it"
