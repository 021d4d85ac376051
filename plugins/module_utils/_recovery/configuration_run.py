"""One run that changes keys of a configuration, or puts back what they were: under the lock, with a record."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .._bench.configuration import Configuration, read_configuration, write_configuration
from .._bench.configuration_change import (
    changed_values,
    chosen_values,
    differs,
    refuse_open_secrets,
    with_exactly,
    with_values,
)
from .._bench.layout import Bench
from .._system.files import fsync_folder, make_private_folder, write_json_atomically
from .journal import state_folder
from .lock import SiteLock
from .record import recorded

MODULE_NAME = "site_config"


@dataclass(frozen=True)
class ConfigurationRequest:
    """Which configuration is meant, and under which name its original values are remembered; "" for not at all.

    Attributes:
        site: The site, or "" for the configuration that all sites of the bench share.
    """

    bench: Bench
    site: str
    state_path: Path
    remember_as: str = ""
    check_mode: bool = False

    @property
    def config_path(self) -> Path:
        """The file that is meant."""
        return self.bench.site(self.site).config_path if self.site else self.bench.common_config_path

    @property
    def owner(self) -> str:
        """Whose state and lock it is; no site's name begins with a dash."""
        return self.site or f"-{str(self.bench.path).strip('/').replace('/', '-')}"

    @property
    def originals_path(self) -> Path:
        """Where the original values are remembered."""
        folder = state_folder(self.state_path, self.owner, self.remember_as).parent
        return folder / f"configuration-{self.remember_as}.json"


@dataclass(frozen=True)
class _Originals:
    """Keys, and the values that they had; one of the keys without a value was not there.

    Attributes:
        written: What they were given, each time; a key that was taken away is not in it.
        secret_names: Those that are not to be shown, whatever they are called.
        order: All keys of the configuration, as they followed each other.
    """

    names: tuple[str, ...] = ()
    values: Configuration = field(default_factory=dict, repr=False)
    written: tuple[Configuration, ...] = field(default=(), repr=False)
    secret_names: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    def in_order(self, configuration: Configuration) -> Configuration:
        """Return a configuration with its keys in the order that they had; those that are new come last."""
        names = [name for name in self.order if name in configuration]
        return {name: configuration[name] for name in (*names, *configuration)}

    def is_foreign(self, current: Mapping[str, Any], name: str) -> bool:
        """Tell whether a key is neither as it was nor as it was written."""
        return all(differs(current, known, name) for known in (self.values, *self.written))


def run_present(
    request: ConfigurationRequest,
    values: Mapping[str, Any],
    secret_values: Mapping[str, Any],
    absent: Sequence[str],
) -> dict[str, Any]:
    """Give some keys their values and take others away, remembering what they were before the first time.

    Args:
        request: Which configuration it is.
        values: Keys and values that may be shown.
        secret_values: Keys and values that may not.
        absent: Keys to take away.

    Raises:
        LifeboatError: ``configuration_missing``, ``configuration_invalid``, ``configuration_refused``, ``site_locked``.
    """
    with _held(request):
        refuse_open_secrets(values)
        before = read_configuration(request.config_path)
        after = with_values(before, {**values, **secret_values}, absent)
        if request.remember_as and not request.check_mode:
            _remember(request, before, after, [*values, *secret_values, *absent], tuple(secret_values))
        return _apply(request, before, after, "present", tuple(secret_values))


def changed_by_others(request: ConfigurationRequest) -> list[str]:
    """Return the remembered keys to which somebody has given another value since.

    Raises:
        LifeboatError: ``configuration_missing``, ``configuration_invalid``.
    """
    originals = _read_originals(request)
    current = read_configuration(request.config_path)
    return [name for name in originals.names if originals.is_foreign(current, name)]


def run_restored(request: ConfigurationRequest, left: Collection[str] = ()) -> dict[str, Any]:
    """Put remembered values back, exactly, and forget them; nothing happens where none are remembered.

    Args:
        request: Which configuration it is.
        left: Keys that stay as they are.

    Raises:
        LifeboatError: As ``run_present``.
    """
    with _held(request):
        originals = _read_originals(request)
        before = read_configuration(request.config_path)
        names = [name for name in originals.names if name not in left]
        after = with_exactly(before, names, chosen_values(originals.values, names))
        if any(name not in before for name in after):
            after = originals.in_order(after)
        result = _apply(request, before, after, "restored", originals.secret_names)
        if not request.check_mode:
            forget_originals(request)
        return result


def forget_originals(request: ConfigurationRequest) -> None:
    """Forget the remembered values, where there are some."""
    if request.originals_path.exists():
        request.originals_path.unlink()
        fsync_folder(request.originals_path.parent)


def _apply(
    request: ConfigurationRequest,
    before: Configuration,
    after: Configuration,
    state: str,
    secret_names: Collection[str],
) -> dict[str, Any]:
    shown_before, shown_after = changed_values(before, after, secret_names)
    keys = sorted({*shown_before, *shown_after})
    if keys and not request.check_mode:
        with recorded(request.state_path, module=MODULE_NAME, action=state, site=request.site):
            write_configuration(request.config_path, after)
    return {
        "changed": bool(keys),
        "path": str(request.config_path),
        "keys": keys,
        "diff": {"before": shown_before, "after": shown_after},
    }


def _remember(
    request: ConfigurationRequest,
    before: Configuration,
    after: Configuration,
    names: Sequence[str],
    secret_names: tuple[str, ...],
) -> None:
    known = _read_originals(request)
    new = [name for name in names if name not in known.names]
    written = chosen_values(after, names)
    originals = _Originals(
        (*known.names, *new),
        {**known.values, **chosen_values(before, new)},
        known.written if written in known.written else (*known.written, written),
        tuple(dict.fromkeys((*known.secret_names, *secret_names))),
        known.order or tuple(before),
    )
    if originals != known:
        make_private_folder(request.originals_path.parent)
        write_json_atomically(request.originals_path, asdict(originals))


def _read_originals(request: ConfigurationRequest) -> _Originals:
    try:
        originals = json.loads(request.originals_path.read_bytes())
    except FileNotFoundError:
        return _Originals()
    return _Originals(
        tuple(originals["names"]),
        originals["values"],
        tuple(originals.get("written", ())),
        tuple(originals.get("secret_names", ())),
        tuple(originals.get("order", ())),
    )


@contextmanager
def _held(request: ConfigurationRequest) -> Iterator[None]:
    """Hold the lock of the site, so that no recovery changes the same file; looking needs none."""
    if request.check_mode:
        yield
        return
    with SiteLock(request.state_path, request.owner).hold(MODULE_NAME):
        yield
