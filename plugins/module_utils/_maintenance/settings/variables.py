"""The variables that this part of the collection may set, and their values as files and servers write them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..._system.errors import LifeboatError
from .load import GIB, MIB

SIZE = "size"
COUNT = "count"
CHOICE = "choice"
_UNITS = {"": 1, "K": 1024, "M": MIB, "G": GIB, "T": 1024 * GIB}
_NUMBER = re.compile(r"(?P<digits>\d{1,18})(?P<unit>[KMGT]?)", re.ASCII | re.IGNORECASE)
_SWITCHES = {"1": "ON", "TRUE": "ON", "0": "OFF", "FALSE": "OFF"}
# Who may set a variable; from MariaDB 11.0 on, SUPER does not stand for the others any more.
SUPER = "SUPER"


@dataclass(frozen=True)
class Variable:
    """A variable that may be set.

    Attributes:
        name: Its name.
        kind: ``size`` (bytes, K, M, G or T), ``count`` or ``choice``.
        least: The smallest number that makes sense for a server of sites.
        most: The largest.
        choices: The values that a choice may have, in capital letters.
        privilege: What the account needs besides or instead of SUPER.
    """

    name: str
    kind: str
    least: int = 0
    most: int = 0
    choices: tuple[str, ...] = ()
    privilege: str = SUPER

    def value(self, text: str) -> str:
        """Return a value in the one way in which values are compared: a number in digits, a choice in capitals.

        Raises:
            LifeboatError: ``settings_refused`` where it is none, or out of range.
        """
        if self.kind == CHOICE:
            chosen = text.strip().upper()
            chosen = chosen if chosen in self.choices else _SWITCHES.get(chosen, chosen)
            if chosen not in self.choices:
                raise refused(f"{self.name} may be {' or '.join(self.choices)}")
            return chosen
        match = _NUMBER.fullmatch(text.strip())
        if match is None or (match["unit"] and self.kind == COUNT):
            raise refused(f"{self.name} takes a whole number" + ", with K, M, G or T" * (self.kind == SIZE))
        number = int(match["digits"]) * _UNITS[match["unit"].upper()]
        if not self.least <= number <= self.most:
            raise refused(f"{self.name} may be from {self.text(str(self.least))} to {self.text(str(self.most))}")
        return str(number)

    def text(self, value: str) -> str:
        """Return a value as a file of options has it: sizes in the largest unit that leaves whole numbers below G."""
        if self.kind != SIZE:
            return value
        number = int(value)
        unit = next((unit for unit in ("M", "K") if number and number % _UNITS[unit] == 0), "")
        return f"{number // _UNITS[unit]}{unit}"

    def literal(self, value: str) -> str:
        """Return a value as a statement has it; nothing but digits and the letters of a choice gets into one."""
        known = self.value(value) if self.kind == CHOICE else str(int(float(value)))
        return known if known.isdigit() else f"'{known}'"


VARIABLES = {
    variable.name: variable
    for variable in (
        Variable("innodb_buffer_pool_size", SIZE, 16 * MIB, 8 * 1024 * GIB),
        Variable("innodb_log_file_size", SIZE, 4 * MIB, 512 * GIB),
        Variable("max_connections", COUNT, 20, 100_000, privilege="CONNECTION ADMIN"),
        Variable("table_open_cache", COUNT, 400, 1_048_576),
        Variable("table_definition_cache", COUNT, 400, 2_097_152),
        Variable("tmp_table_size", SIZE, MIB, 4 * GIB),
        Variable("max_heap_table_size", SIZE, MIB, 4 * GIB),
        Variable("innodb_flush_log_at_trx_commit", CHOICE, choices=("0", "1", "2", "3")),
        Variable("sync_binlog", COUNT, 0, 4_294_967_295, privilege="BINLOG ADMIN"),
        Variable("innodb_doublewrite", CHOICE, choices=("OFF", "ON", "FAST")),
    )
}


def refused(why: str) -> LifeboatError:
    """Return the error that refuses settings before anything was changed."""
    return LifeboatError(f"Refused to apply settings: {why}. Nothing was changed.", "settings_refused")
