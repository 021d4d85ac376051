"""Global transaction ids and sets of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..._system.errors import LifeboatError

_GTID = re.compile(r"(\d{1,10})-(\d{1,10})-(\d{1,20})\Z")


@dataclass(frozen=True)
class Gtid:
    """The id of a transaction: its domain, the server that first ran it, and its number in the domain."""

    domain: int
    server_id: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.domain}-{self.server_id}-{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> Gtid:
        """Read ``0-1-505``.

        Raises:
            LifeboatError: ``gtid_invalid``.
        """
        match = _GTID.match(text.strip())
        if match is None:
            raise LifeboatError(
                f"Cannot read {text[:64]!a} as a GTID: it is written DOMAIN-SERVER-NUMBER, for example 0-1-505. "
                "The module binlog_info lists those of transactions.",
                "gtid_invalid",
            )
        return cls(int(match[1]), int(match[2]), int(match[3]))


# The last number of each server in each domain, in the order in which they were last written.
_Numbers = dict[tuple[int, int], int]


class GtidState:
    """What a binary log holds up to some point: for each domain and server the last transaction.

    It is what the event "Gtid list" at the start of every file says of all the files before it.
    """

    def __init__(self, gtids: Iterable[Gtid] = ()) -> None:
        self._numbers: _Numbers = {}
        for gtid in gtids:
            self.add(gtid)

    def add(self, gtid: Gtid) -> None:
        """Take in a transaction; the one added last is the domain's position."""
        key = (gtid.domain, gtid.server_id)
        self._numbers.pop(key, None)
        self._numbers[key] = gtid.sequence

    def copy(self) -> GtidState:
        """Return a state that can grow on its own."""
        return GtidState(self.gtids)

    @property
    def gtids(self) -> tuple[Gtid, ...]:
        """The last transaction of each domain and server, the domain's newest last."""
        return tuple(Gtid(domain, server_id, number) for (domain, server_id), number in self._numbers.items())

    @property
    def position(self) -> str:
        """The last transaction of each domain, as ``gtid_binlog_pos`` writes it."""
        last = {gtid.domain: gtid for gtid in self.gtids}
        return ",".join(str(last[domain]) for domain in sorted(last))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GtidState) and self._numbers == other._numbers

    def __hash__(self) -> int:
        return hash(frozenset(self._numbers.items()))

    def __str__(self) -> str:
        return ",".join(map(str, sorted(self.gtids, key=lambda gtid: (gtid.domain, gtid.server_id))))

    def follows(self, before: GtidState) -> bool:
        """Tell whether a file that begins with this state begins where one that ended with ``before`` ended.

        ``FLUSH BINARY LOGS DELETE_DOMAIN_ID`` lets whole domains go between two files, and loses no transaction.
        """
        domains = {gtid.domain for gtid in self.gtids}
        kept = {key: number for key, number in before._numbers.items() if key[0] in domains}
        return self._numbers == kept and bool(self._numbers) == bool(before._numbers)


def parse_gtid_list(text: str) -> GtidState:
    """Read ``0-1-505,1-1-7``; an empty text is an empty state.

    Raises:
        LifeboatError: ``gtid_invalid``.
    """
    return GtidState(Gtid.parse(part) for part in text.split(",") if part.strip())


def positions_by_domain(text: str) -> Mapping[int, Gtid]:
    """Return the transaction of each domain that a position names.

    Raises:
        LifeboatError: ``gtid_invalid``.
    """
    return {gtid.domain: gtid for gtid in parse_gtid_list(text).gtids}
