"""How large InnoDB's redo log should be. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..._checks.subjects.mariadb_redo import LARGEST_ADVICE_BYTES, SET_GLOBAL_SINCE, SMALLEST_ADVICE_BYTES
from ..._system.quantities import DAY_SECONDS, HOUR_SECONDS, bytes_text, duration_text
from .advice import LEAVE, Advice, changed, left
from .load import MIB, POOL_VARIABLE, Load

VARIABLE = "innodb_log_file_size"
# After the log grew there must still be room for the data to grow.
ROOM_FACTOR = 2


def advise_redo_log(load: Load) -> list[Advice]:
    """Advise a size that holds an hour of changes; a log that does is left, since a large one costs only room."""
    return [_advise(load)]


def _advise(load: Load) -> Advice:
    present = load.number(VARIABLE) * load.redo_files
    most = min(LARGEST_ADVICE_BYTES, max(SMALLEST_ADVICE_BYTES, load.number(POOL_VARIABLE)))
    wanted_bytes = min(max(load.hour_bytes, SMALLEST_ADVICE_BYTES), most)
    advice = Advice(
        subject="redo log",
        variable=VARIABLE,
        now=str(load.number(VARIABLE)),
        advised=str(load.number(VARIABLE)),
        action=LEAVE,
        why=f"it holds {_held_text(present, load.hour_bytes)} of changes",
        formula="the changes of an hour (p95), at least 512 MiB, at most 16 GiB and the buffer pool",
        source="MySQLTuner's rule of an hour of changes, which it does not apply to MariaDB",
        numbers={
            "hour_bytes": load.hour_bytes,
            "redo_log_bytes": present,
            "files": load.redo_files,
            "buffer_pool_bytes": load.number(POOL_VARIABLE),
            "free_bytes": load.free_bytes,
        },
        caveats=tuple(_caveats(load)),
    )
    if present >= min(load.hour_bytes, most):
        return advice
    if load.free_bytes is not None and load.free_bytes < ROOM_FACTOR * wanted_bytes:
        return left(advice, f"it should have {bytes_text(wanted_bytes)}, for which the disk has no room")
    return changed(advice, _whole_mebibytes(wanted_bytes / load.redo_files), f"{advice.why} only")


def _held_text(size_bytes: float, hour_bytes: float) -> str:
    if DAY_SECONDS * hour_bytes <= HOUR_SECONDS * size_bytes:
        return "more than a day"
    return duration_text(HOUR_SECONDS * size_bytes / hour_bytes)


def _whole_mebibytes(size_bytes: float) -> int:
    return -int(-size_bytes // MIB) * MIB


def _caveats(load: Load) -> Iterator[str]:
    since = ".".join(map(str, SET_GLOBAL_SINCE))
    yield f"it can be changed while the server runs from {since} on, and takes a restart before that"
    yield "the server writes all changes out before it takes the new log, which may take a while"
    if load.redo_files > 1:
        yield f"it is the size of each of {load.redo_files} files"
