"""What goes wrong with a site: tables dropped, rows destroyed, files deleted."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute

from .lab import Lab

DROPPED_TABLES = ("tabUser", "tabSales Invoice", "tabGL Entry")
EMPTIED_TABLES = ("tabCustomer", "tabFile", "__Auth")


@dataclass(frozen=True)
class Damage:
    """How much was destroyed."""

    tables: int
    rows: int
    files: int


def strike(lab: Lab, site: str) -> Damage:
    """Destroy a good part of a site: it still answers a ping, but nobody can log in."""
    rows = 0
    with contextlib.closing(lab.connect(site)) as connection:
        for table in EMPTIED_TABLES:
            rows += execute(connection, f"DELETE FROM `{table}`")
        rows += execute(connection, "UPDATE tabItem SET item_name = 'overwritten', description = NULL LIMIT 100")
        for table in DROPPED_TABLES:
            execute(connection, f"DROP TABLE `{table}`")
    files = [path for path in lab.site_path(site).glob("*/files/**/*") if path.is_file()]
    for path in files[::2]:
        path.unlink()
    for path in files[1::4]:
        path.write_bytes(b"encrypted by somebody else")
    return Damage(len(DROPPED_TABLES), rows, len(files[::2]) + len(files[1::4]))
