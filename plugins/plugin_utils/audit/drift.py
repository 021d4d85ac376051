# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where one of many that should be alike is not: settings compared between peers. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .hosts import HostAudit

# Two hosts that differ tell nobody which one is right.
FEWEST_PEERS = 3
# What so many of them have is what the fleet does (own proposal).
MAJORITY_SHARE = 2 / 3
# Iglewicz and Hoaglin (1993): 0.6745 makes the median absolute deviation an estimate of the standard deviation, and
# a modified z-score above 3.5 is an outlier. Fewer values make no distribution.
DEVIATION_FACTOR = 0.6745
OUTLIER_SCORE = 3.5
FEWEST_NUMBERS = 7
# Where all are nearly alike, a little more or less is an outlier that nobody needs to know of (own proposal).
LEAST_DIFFERENCE = 0.2
MAJORITY, OUTLIER = "majority", "outlier"


@dataclass(frozen=True)
class Peer:
    """One thing that is compared with others of its kind.

    Attributes:
        host: The host that told of it.
        name: Which of the things of that host it is.
        values: Its settings, as texts or numbers.
    """

    host: str
    name: str
    values: Mapping[str, Any]


def find_drift(hosts: Iterable[HostAudit]) -> list[dict[str, Any]]:
    """Return the settings in which a few differ from what nearly all of their peers have.

    A setting that most peers share is held against the others. A number that each peer has for itself, as a share of
    its memory, is held against the median. Settings on which the fleet is divided are its own business.

    Returns:
        One entry a setting: ``kind``, ``setting``, ``rule`` (``majority`` or ``outlier``), ``peers`` (how many were
        compared), ``agree``, ``usual`` (the value of the majority, or the median), ``differing`` (host, name, value).
    """
    kinds: dict[str, dict[str, Peer]] = defaultdict(dict)
    for host in hosts:
        for told in host.facts.get("peers", []):
            # Several hosts may tell of the same server: it is one peer.
            identity = told.get("identity") or f"{host.name}|{told['name']}"
            kinds[told["kind"]].setdefault(identity, Peer(host.name, told["name"], told["values"]))
    entries = [entry for kind, peers in kinds.items() for entry in _drift_of_kind(kind, list(peers.values()))]
    return sorted(entries, key=lambda entry: (len(entry["differing"]), entry["kind"], entry["setting"]))


def _drift_of_kind(kind: str, peers: Sequence[Peer]) -> Iterator[dict[str, Any]]:
    if len(peers) < FEWEST_PEERS:
        return
    for setting in sorted({name for peer in peers for name in peer.values}):
        having = [peer for peer in peers if setting in peer.values]
        if len(having) < FEWEST_PEERS:
            continue
        usual, agree = Counter(_text(peer.values[setting]) for peer in having).most_common(1)[0]
        if agree >= MAJORITY_SHARE * len(having):
            differing = [peer for peer in having if _text(peer.values[setting]) != usual]
            rule = MAJORITY
        else:
            usual, differing = _outliers(setting, having)
            agree, rule = len(having) - len(differing), OUTLIER
        if differing:
            yield {
                "kind": kind,
                "setting": setting,
                "rule": rule,
                "peers": len(having),
                "agree": agree,
                "usual": usual,
                "differing": [
                    {"host": peer.host, "name": peer.name, "value": _text(peer.values[setting])} for peer in differing
                ],
            }


def _outliers(setting: str, peers: Sequence[Peer]) -> tuple[str, list[Peer]]:
    numbers = [(peer, peer.values[setting]) for peer in peers if _is_number(peer.values[setting])]
    if len(numbers) < max(FEWEST_NUMBERS, len(peers)):
        return "", []
    middle = median(number for _peer, number in numbers)
    deviation = median(abs(number - middle) for _peer, number in numbers)
    if not deviation:
        return "", []
    limit = max(OUTLIER_SCORE * deviation / DEVIATION_FACTOR, LEAST_DIFFERENCE * abs(middle))
    return _text(middle), [peer for peer, number in numbers if abs(number - middle) > limit]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
