"""Checks of the four switches that stop a site's scheduler, and of a maintenance that nobody ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..._bench.configuration import is_on
from ..._system.quantities import HOUR_SECONDS, duration_text
from ..registry import Measurement, NotApplicableError, Remediation, UnmeasurableError, check
from ..targets.site import SiteTarget

MAINTENANCE_SWITCHES = ("maintenance_mode", "pause_scheduler")
# As long as this, somebody is at work; after it, somebody forgot.
MAINTENANCE_SECONDS = 2 * HOUR_SECONDS


@dataclass(frozen=True)
class Switch:
    """A switch that is on and stops the scheduler; ``path`` is the file that says so, None for the database."""

    name: str
    path: Path | None

    @property
    def place(self) -> str:
        """Where it is set, for people."""
        return self.path.name if self.path else "System Settings"


def deciding_file(site: SiteTarget, name: str) -> Path | None:
    """Return the configuration that switches something on, None where it is off.

    Raises:
        UnmeasurableError: A file cannot be read.
    """
    if not is_on(site.merged, name):
        return None
    return site.site.config_path if name in site.configuration else site.bench.bench.common_config_path


def stopping_switches(site: SiteTarget) -> list[Switch]:
    """Return the switches that stop the site's scheduler, as Frappe asks for them.

    Raises:
        UnmeasurableError: The configuration cannot be read, or it has no switch on and the database cannot be read.
    """
    in_files = ((name, deciding_file(site, name)) for name in (*MAINTENANCE_SWITCHES, "disable_scheduler"))
    found = [Switch(name, path) for name, path in in_files if path is not None]
    try:
        is_enabled = is_on(site.system_settings, "enable_scheduler")
    except UnmeasurableError:
        if not found:
            raise
        return found
    return found if is_enabled else [*found, Switch("enable_scheduler = 0", None)]


def require_scheduler(site: SiteTarget) -> None:
    """Stop a check of what a scheduler does where it is switched off, which F05 reports.

    Raises:
        NotApplicableError: It is off.
        UnmeasurableError: Nobody can tell.
    """
    switches = stopping_switches(site)
    if switches:
        raise NotApplicableError(f"the scheduler is off ({', '.join(switch.name for switch in switches)})")


def _age_seconds(site: SiteTarget, path: Path) -> float:
    try:
        return max(0.0, site.now_seconds - path.stat().st_mtime)
    except OSError as error:
        raise UnmeasurableError(f"{path} cannot be looked at: {error.strerror}") from None


@check(
    "F05",
    "scheduler.switches",
    title="Scheduler switched on",
    subject="site",
    target=SiteTarget,
    measures="Switches that stop the scheduler: maintenance_mode, pause_scheduler, disable_scheduler, enable_scheduler",
    source="site_config.json, common_site_config.json and System Settings",
    unit="count",
    critical="0",
    impact="critical",
    remediation=Remediation(
        "Switch it on again: bench --site SITE set-maintenance-mode off, scheduler resume, scheduler enable. Accept "
        "the finding where the scheduler is meant to be off."
    ),
    reference="Frappe's bench doctor and System Health Report (scheduler status)",
)
def scheduler_switches(site: SiteTarget) -> Iterator[Measurement]:
    """Count the switches that are off; a maintenance that has just begun is a warning only."""
    switches = stopping_switches(site)
    is_maintained = bool(switches) and all(
        switch.name in MAINTENANCE_SWITCHES
        and switch.path is not None
        and _age_seconds(site, switch.path) <= MAINTENANCE_SECONDS
        for switch in switches
    )
    names = ", ".join(f"{switch.name} in {switch.place}" for switch in switches)
    yield Measurement(
        len(switches),
        text=f"no scheduled job runs: {names}" if switches else "all four switches of the scheduler are on",
        severity="warning" if is_maintained else "",
    )


@check(
    "F12",
    "maintenance.forgotten",
    title="Maintenance that nobody ended",
    subject="site",
    target=SiteTarget,
    measures="How long maintenance_mode or pause_scheduler has been on at least",
    source="site_config.json and common_site_config.json, their times, and the last runs",
    unit="seconds",
    warning="7200",
    critical="43200",
    impact="critical",
    remediation=Remediation(
        "Find out who is at work; if nobody is, run bench --site SITE set-maintenance-mode off and scheduler resume."
    ),
    reference="own proposal",
)
def maintenance_forgotten(site: SiteTarget) -> Iterator[Measurement]:
    """Tell since when each switch has been on: since the file changed, or since an earlier run that saw it on."""
    for name in MAINTENANCE_SWITCHES:
        path = deciding_file(site, name)
        if path is None:
            yield Measurement(0, name, f"{name} is off", fact="off")
            continue
        since_seconds = site.now_seconds - _age_seconds(site, path)
        with suppress(ValueError):  # it was off, or never seen
            since_seconds = min(since_seconds, float(site.surroundings.history.fact("F12", site.name, name)))
        on_seconds = site.now_seconds - since_seconds
        text = f"{name} in {path.name} has been on for {duration_text(on_seconds)} or longer"
        yield Measurement(on_seconds, name, text, fact=str(since_seconds))
