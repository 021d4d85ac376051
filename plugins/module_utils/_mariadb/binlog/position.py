"""A place in a server's binary log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class BinlogPosition:
    """Between two transactions of a binary log.

    Attributes:
        gtid: The last transaction before it in each domain, as ``gtid_binlog_pos`` writes it: ``0-1-505,1-1-7``.
        file: The name of the log file, for example ``binlog.000003``.
        offset: The byte of that file at which the next event begins.
    """

    gtid: str
    file: str
    offset: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> BinlogPosition:
        """Read what ``as_dict`` returned."""
        return cls(str(values["gtid"]), str(values["file"]), int(values["offset"]))
