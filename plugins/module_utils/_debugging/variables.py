"""Which variables of a server debug mode changes, and what becomes of them at its end. Pure.

Values are the texts of ``SHOW GLOBAL VARIABLES``. What is remembered of a variable is its value before and the value
that debug mode gave it: whatever else is found there later is somebody else's choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SLOW_LOG = "slow_query_log"
SLOW_LOG_FILE = "slow_query_log_file"
LONG_QUERY_TIME = "long_query_time"
RATE_LIMIT = "log_slow_rate_limit"
VERBOSITY = "log_slow_verbosity"
OUTPUT = "log_output"
# The switch comes last, so that the log begins as it is wanted; at the end it goes first.
VARIABLES = (SLOW_LOG_FILE, OUTPUT, VERBOSITY, RATE_LIMIT, LONG_QUERY_TIME, SLOW_LOG)
# A name without a folder lies in the data directory, where every server may write.
LOG_NAME = "lifeboat-debug-slow.log"
# What the digest of slow statements can use, and every supported server knows.
WANTED_VERBOSITY = ("query_plan", "explain")
ON, TO_FILE = "ON", "FILE"


@dataclass(frozen=True)
class Change:
    """The value of a variable before debug mode, and those that debug mode gave it, the wanted one last.

    An earlier one counts as well: a run that was killed wrote down what it wanted and may not have set it.
    """

    before: str
    values: tuple[str, ...]

    @property
    def wanted(self) -> str:
        """The value that it is to have."""
        return self.values[-1]

    def is_ours(self, current: str) -> bool:
        """Tell whether a value is one that debug mode set."""
        return any(same(current, value) for value in self.values)


def wanted_variables(before: Mapping[str, str], long_query_seconds: float) -> dict[str, str]:
    """Return the values with which a server logs its slow statements; what already tells more stays as it is.

    Args:
        before: The variables without debug mode.
        long_query_seconds: From how long on a statement counts as slow.
    """
    is_on = before[SLOW_LOG] == ON
    verbosity = [*_parts(before[VERBOSITY]), *WANTED_VERBOSITY]
    output = before[OUTPUT] if TO_FILE in _parts(before[OUTPUT]) else TO_FILE
    seconds = min(long_query_seconds, float(before[LONG_QUERY_TIME])) if is_on else long_query_seconds
    return {
        # A log that is being written stays where it is; another one is not mixed with what lies there.
        SLOW_LOG_FILE: before[SLOW_LOG_FILE] if is_on else LOG_NAME,
        OUTPUT: output,
        VERBOSITY: ",".join(dict.fromkeys(verbosity)),
        RATE_LIMIT: "1",
        LONG_QUERY_TIME: f"{seconds:.6f}",
        SLOW_LOG: ON,
    }


def without_changes(current: Mapping[str, str], changes: Mapping[str, Change]) -> dict[str, str]:
    """Return the variables as they would be without debug mode: what it set, and is still so, as it was before."""
    return {
        name: changes[name].before if name in changes and changes[name].is_ours(value) else value
        for name, value in current.items()
    }


def planned_changes(
    current: Mapping[str, str], known: Mapping[str, Change], wanted: Mapping[str, str]
) -> dict[str, Change]:
    """Return what debug mode changes and what it has to remember; what is so without it is not among it.

    Args:
        current: The variables as they are.
        known: What debug mode changed before. No value of its own is ever remembered as the one before; a value that
            somebody set meanwhile is.
        wanted: The wanted values.
    """
    before = without_changes(current, known)
    planned = {}
    for name in VARIABLES:
        earlier = known[name].values if name in known and known[name].is_ours(current[name]) else ()
        if earlier or not same(before[name], wanted[name]):
            values = tuple(value for value in earlier if not same(value, wanted[name]))
            planned[name] = Change(before[name], (*values, wanted[name]))
    return planned


def to_set(current: Mapping[str, str], changes: Mapping[str, Change]) -> dict[str, str]:
    """Return what is still to be set for debug mode to be on, in the order in which it is to be set."""
    return {name: changes[name].wanted for name in _known(changes) if not same(current[name], changes[name].wanted)}


def to_put_back(current: Mapping[str, str], changes: Mapping[str, Change]) -> dict[str, str]:
    """Return what has to be put back, in the order in which to do it: what still is as debug mode set it."""
    return {
        name: changes[name].before
        for name in reversed(_known(changes))
        if changes[name].is_ours(current[name]) and not same(current[name], changes[name].before)
    }


def changed_by_others(current: Mapping[str, str], changes: Mapping[str, Change]) -> list[str]:
    """Return the variables that are neither as debug mode set them nor as they were before."""
    return [
        name
        for name in _known(changes)
        if not changes[name].is_ours(current[name]) and not same(current[name], changes[name].before)
    ]


def same(first: str, second: str) -> bool:
    """Tell whether two values are the same to the server, which lists the parts of a set in its own order."""
    return sorted(_parts(first)) == sorted(_parts(second))


def _known(names: Iterable[str]) -> list[str]:
    return sorted(names, key=VARIABLES.index)


def _parts(value: str) -> list[str]:
    return [part for part in value.split(",") if part]
