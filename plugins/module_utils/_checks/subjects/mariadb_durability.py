"""The check of what a power cut may cost."""

from __future__ import annotations

from collections.abc import Iterator

from ..registry import Measurement, Remediation, check
from ..targets.database_server import DatabaseServer

# Variable, the values that are safe, and what another one costs.
DURABLE_SETTINGS = (
    ("innodb_flush_log_at_trx_commit", ("1", "3"), "a power cut loses what was committed in the last second"),
    ("sync_binlog", ("1",), "after a power cut, the binary log and a replica may lack what the server has"),
    ("innodb_doublewrite", ("ON",), "a power cut may leave a page half written, and the table unreadable"),
)


@check(
    "D33",
    "durability.setting",
    title="Settings that decide what a power cut costs",
    subject="mariadb",
    target=DatabaseServer,
    measures="1 where a setting may lose what was committed, for each of three settings",
    source="SHOW GLOBAL VARIABLES",
    unit="bool",
    warning="0",
    impact="medium",
    remediation=Remediation(
        "SET GLOBAL innodb_flush_log_at_trx_commit = 1, sync_binlog = 1, and in the option file; innodb_doublewrite "
        "needs a restart. Accept the finding where losing a second is a price that was agreed to."
    ),
    reference="pt-variable-advisor; MariaDB's documentation of these variables",
)
def durability_setting(server: DatabaseServer) -> Iterator[Measurement]:
    """Compare each setting with what keeps every commit."""
    for name, safe_values, cost in DURABLE_SETTINGS:
        value = server.variables.get(name, "")
        if name == "sync_binlog" and not server.is_on("log_bin"):
            continue
        is_safe = value in safe_values
        yield Measurement(int(not is_safe), name, f"{name} is {value}" + ("" if is_safe else f": {cost}"))
