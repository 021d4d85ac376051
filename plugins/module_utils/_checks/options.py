"""What a run of the checks is asked for, read from the module's options or from the scheduled run's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Callable

from .._mariadb.connection import DEFAULT_CONFIG_FILE, LoginOptions
from .acceptance import ACCEPTANCE_CHECK_ID, read_acceptances
from .catalogue import all_checks
from .findings import Acceptance
from .registry import Check
from .runner import RunOptions
from .selection import read_thresholds, select_checks
from .targets.target import Settings

# How the types of ``Settings`` are read.
SETTING_READERS: dict[str, Callable[[Any], Any]] = {
    "bool": bool,
    "float": float,
    "int": int,
    "str": str,
    "tuple[int, ...]": lambda given: tuple(int(element) for element in given),
    "tuple[str, ...]": lambda given: tuple(str(element) for element in given),
}


@dataclass(frozen=True)
class HealthOptions:
    """What to check on a host, and how.

    Attributes:
        checks: The checks, ordered by id.
        login: How an administrator reaches the database server.
        bench_path: The one bench to look at, or None for all that are found.
        search_paths: Where benches are looked for, or None for the usual places.
        state_path: The folder of the collection's state, with the history.
        run: Thresholds and times.
        settings: What cannot be found out by looking.
        acceptances: What somebody decided to live with.
        keep_history: Whether the run is remembered.
        textfile_path: Where the metrics for the node_exporter are written, or None.
    """

    checks: tuple[Check, ...]
    login: LoginOptions = field(default_factory=lambda: LoginOptions(config_file=DEFAULT_CONFIG_FILE))
    bench_path: str | None = None
    search_paths: tuple[str, ...] | None = None
    state_path: Path = Path("/var/lib/lifeboat")
    run: RunOptions = field(default_factory=RunOptions)
    settings: Settings = field(default_factory=Settings)
    acceptances: tuple[Acceptance, ...] = ()
    keep_history: bool = False
    textfile_path: Path | None = None


def read_options(parameters: Mapping[str, Any]) -> HealthOptions:
    """Read what a run is asked for; what is missing or None has its default.

    Args:
        parameters: By the names of the options of the module ``health_check``.

    Raises:
        LifeboatError: ``check_unknown``, ``threshold_invalid`` or ``acceptance_invalid``.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    checks = all_checks()
    known = {check.id for check in checks}
    acceptances = read_acceptances(given.get("accepted", ()), known)
    chosen = select_checks(checks, given.get("subjects", ()), given.get("checks", ()), given.get("skip", ()))
    if acceptances:  # that one of them expired is told whatever else is checked
        chosen += [check for check in checks if check.id == ACCEPTANCE_CHECK_ID and check not in chosen]
    defaults = HealthOptions(())
    return HealthOptions(
        checks=tuple(chosen),
        login=_read_login(given, defaults.login),
        bench_path=given.get("bench_path"),
        search_paths=tuple(given["search_paths"]) if "search_paths" in given else None,
        state_path=Path(given.get("state_path", defaults.state_path)),
        run=RunOptions(
            thresholds=read_thresholds(given.get("thresholds", {}), known),
            **{
                name: float(given[name])
                for name in ("sample_seconds", "deadline_seconds", "timeout_seconds")
                if name in given
            },
        ),
        settings=Settings(
            **{
                each.name: SETTING_READERS[str(each.type)](given[each.name])
                for each in fields(Settings)
                if each.name in given
            }
        ),
        acceptances=acceptances,
        keep_history=bool(given.get("keep_history", defaults.keep_history)),
        textfile_path=Path(given["textfile_path"]) if given.get("textfile_path") else None,
    )


def _read_login(given: Mapping[str, Any], defaults: LoginOptions) -> LoginOptions:
    said = {each.name: given[each.name] for each in fields(LoginOptions) if each.name in given}
    return replace(defaults, **{**said, "login_port": int(said.get("login_port", defaults.login_port))})
