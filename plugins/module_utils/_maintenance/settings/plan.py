"""What has to be done so that a server has the settings of a file, worked out before anything is written. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from .buffer_pool import LIMIT_VARIABLE
from .drop_in import DropIn
from .live import LiveVariable, is_same
from .load import POOL_VARIABLE
from .variables import VARIABLES


@dataclass(frozen=True)
class SettingsPlan:
    """What is to be done.

    Attributes:
        before: What is in the file of options now; None where there is none.
        after: What is to be in it; None for no file.
        live: The values that the running server gets now.
        pending: The values that it has only after its next restart.
        present: What it has now, of both.
    """

    before: str | None
    after: str | None
    live: Mapping[str, str]
    pending: Mapping[str, str]
    present: Mapping[str, str]

    @property
    def writes_file(self) -> bool:
        """Whether the file changes."""
        return self.before != self.after

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done."""
        return not self.writes_file and not self.live


def plan_settings(
    before: str | None,
    wanted: DropIn,
    live: Mapping[str, LiveVariable],
    names: Collection[str],
    pool_limit_bytes: int | None,
) -> SettingsPlan:
    """Return what is to be done for the settings of a file.

    Args:
        before: What is in the file now; None where there is none.
        wanted: The file as it is to be; one without a setting is not written.
        live: The variables of the running server.
        names: The variables that the running server is to get now. What somebody set otherwise meanwhile is not among
            them: it stays until the next restart.
        pool_limit_bytes: What the buffer pool can be at most until the next restart; None for no such limit.
    """
    differing = {
        name: value for name, value in wanted.values.items() if name in live and not is_same(live[name], name, value)
    }
    now = {
        name: value
        for name, value in differing.items()
        if name in names and can_go_live(live[name], name, value, pool_limit_bytes)
    }
    pending = {name: value for name, value in differing.items() if name not in now}
    return SettingsPlan(before, wanted.text or before, now, pending, _values(live, differing))


def plan_return(
    before: str | None, text: str | None, values: Mapping[str, str], live: Mapping[str, LiveVariable]
) -> SettingsPlan:
    """Return what is to be done to put back what was kept.

    Args:
        before: What is in the file now; None where there is none.
        text: What was in it; None where there was none.
        values: The values that the running server had.
        live: The variables of the running server.
    """
    differing = {name: value for name, value in values.items() if name in live and live[name].value != value}
    now = {name: value for name, value in differing.items() if live[name].is_dynamic}
    pending = {name: value for name, value in differing.items() if name not in now}
    return SettingsPlan(before, text, now, pending, _values(live, differing))


def can_go_live(variable: LiveVariable, name: str, value: str, pool_limit_bytes: int | None) -> bool:
    """Tell whether a running server can take a value."""
    if name == POOL_VARIABLE and pool_limit_bytes is not None and int(value) > pool_limit_bytes:
        return False
    return variable.is_dynamic


def after_restart(
    variables: Mapping[str, str],
    present: DropIn,
    live: Mapping[str, LiveVariable],
    pool_limit_bytes: int | None,
    unfinished: bool,
) -> dict[str, str]:
    """Return a server's variables with those that its file gives it only later: an earlier advice awaits a restart.

    Args:
        variables: All variables of the running server.
        present: Its file.
        live: Those that may be set.
        pool_limit_bytes: As for ``plan_settings``.
        unfinished: Whether a run stopped between the file and the server.
    """
    later = {
        name: value
        for name, value in present.values.items()
        if name in live and (unfinished or not can_go_live(live[name], name, value, pool_limit_bytes))
    }
    return {**variables, **later}


def pool_limit(variables: Mapping[str, str]) -> int | None:
    """Return what the buffer pool of a running server can be at most, where its version has such a limit."""
    return int(variables[LIMIT_VARIABLE]) if LIMIT_VARIABLE in variables else None


def texts(values: Mapping[str, str]) -> dict[str, str]:
    """Return values as people read them."""
    return {name: VARIABLES[name].text(value) for name, value in values.items()}


def _values(live: Mapping[str, LiveVariable], names: Iterable[str]) -> dict[str, str]:
    return {name: live[name].value for name in names}
