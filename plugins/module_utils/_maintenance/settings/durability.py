"""What a power cut may cost. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..._checks.subjects.mariadb_durability import DURABLE_SETTINGS
from .advice import LEAVE, SET, Advice
from .load import Load

CAVEATS = {
    "innodb_flush_log_at_trx_commit": "each commit waits for the disk: on a disk without a cache that survives a power "
    "cut, importers and migrations take longer",
    "sync_binlog": "each group of commits waits once more for the disk",
    "innodb_doublewrite": "what is written to the tables is written twice; leave it off only on a file system that "
    "never leaves a page half written (ZFS with pages of 16 KiB)",
}


def advise_durability(load: Load) -> Iterator[Advice]:
    """Advise what keeps every commit; who decided to live with less names the variable in ``keep``."""
    for variable, safe_values, cost in DURABLE_SETTINGS:
        if not load.has(variable) or (variable == "sync_binlog" and not load.writes_binary_log):
            continue
        present = load.variables[variable]
        is_safe = present in safe_values
        yield Advice(
            subject="durability",
            variable=variable,
            now=present,
            advised=present if is_safe else safe_values[0],
            action=LEAVE if is_safe else SET,
            why="it keeps every commit" if is_safe else cost,
            formula=f"the value that keeps every commit ({' or '.join(safe_values)})",
            source="MariaDB's documentation of the variable; pt-variable-advisor",
            caveats=(CAVEATS[variable],),
        )
