"""Checks of the host's clock, and of what it starts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from ..._system.quantities import duration_text
from ..findings import CRITICAL, WARNING
from ..registry import Measurement, NotApplicableError, Remediation, UnmeasurableError, check
from ..targets.host import Host

# In the answer of chronyc -c tracking: the system clock's offset in seconds, and the state of synchronisation.
_OFFSET_FIELD, _STATE_FIELD = 4, -1
_NOT_SYNCHRONISED = "Not synchronised"
_MICROSECONDS = 1_000_000
_CRONTAB_FOLDERS = ("/var/spool/cron/crontabs", "/var/spool/cron")
_CRON_PROGRAMS = ("cron", "crond")


@check(
    "H13",
    "time.sync",
    title="The clock is right",
    subject="host",
    target=Host,
    measures="how far the clock is off, and whether it is kept right at all",
    source="chronyc -c tracking, else timedatectl show",
    unit="seconds",
    warning="0.05",
    critical="1",
    impact="critical",
    remediation=Remediation(
        "Install and start chrony (or systemd-timesyncd). A clock that jumps lets scheduled jobs run twice or not at "
        "all, and makes replication, certificates and logins fail."
    ),
    reference="awesome-prometheus-alerts HostClockSkew (0.05 s) and HostClockNotSynchronising",
)
def time_sync(target: Host) -> Iterator[Measurement]:
    """Ask whatever keeps the clock right."""
    if target.is_container:
        raise NotApplicableError("a container has its host's clock")
    with suppress(NotApplicableError, UnmeasurableError):
        fields = target.output_of(["chronyc", "-c", "tracking"]).strip().split(",")
        if fields[_STATE_FIELD] == _NOT_SYNCHRONISED:
            yield Measurement(None, text="chrony runs, but has nothing to keep the clock right by", severity=CRITICAL)
        else:
            offset = abs(float(fields[_OFFSET_FIELD]))
            yield Measurement(offset, text=f"chrony keeps the clock, which is {duration_text(offset)} off")
        return
    try:
        answer = target.output_of(["timedatectl", "show", "--property=NTP,NTPSynchronized"])
    except NotApplicableError:
        raise UnmeasurableError("neither chronyc nor timedatectl is there to ask") from None
    if "NTPSynchronized=yes" in answer.split():
        yield Measurement(0, text="the kernel's clock is synchronised; by how much it is off is not told")
    elif "NTP=yes" in answer.split():
        yield Measurement(None, text="the clock is not synchronised, although that is switched on", severity=CRITICAL)
    else:
        yield Measurement(None, text="nothing keeps the clock right", severity=CRITICAL)


@check(
    "H15",
    "timers.missed",
    title="Timers and scheduled jobs that did not run",
    subject="host",
    target=Host,
    measures="how many of its periods each timer of systemd is late, and whether an enabled one is stopped; "
    "whether cron runs where accounts have crontabs",
    source="systemctl list-timers and show, /var/spool/cron, the processes",
    unit="ratio",
    warning="1",
    critical="2",
    impact="medium",
    remediation=Remediation(
        "Start the timer (systemctl start NAME.timer) and see why it stopped; for cron: systemctl enable --now cron. "
        "Without it there is no backup that bench has set up."
    ),
    reference="awesome-prometheus-alerts (a timer older than 24 h); in periods: own proposal",
)
def timers_missed(target: Host) -> Iterator[Measurement]:
    """Look at cron, then at every timer of systemd that has a next time."""
    crontabs = _crontabs(target)
    if crontabs:
        is_running = bool(target.processes_of(_CRON_PROGRAMS))
        text = f"cron {'runs' if is_running else 'does not run'}, and accounts with a crontab: {', '.join(crontabs)}"
        yield Measurement(0 if is_running else None, "cron", text, severity="" if is_running else CRITICAL)
    if not target.path("/run/systemd/system").is_dir():
        if not crontabs:
            raise NotApplicableError("systemd does not run this host, and no account has a crontab")
        return
    output = target.output_of(["systemctl", "list-timers", "--all", "--no-pager", "--output=json"])
    try:
        timers = json.loads(output)
    except ValueError:
        raise UnmeasurableError("systemctl does not list timers in JSON; it does from version 249") from None
    for timer in timers:
        next_seconds, last_seconds = ((timer.get(name) or 0) / _MICROSECONDS for name in ("next", "last"))
        # One that never ran has no period; one without a next time waits for something else than the clock.
        if next_seconds > last_seconds > 0:
            periods = max(0.0, (target.now_seconds - next_seconds) / (next_seconds - last_seconds))
            ran = duration_text(target.now_seconds - last_seconds)
            yield Measurement(periods, timer["unit"], f"{timer['unit']} ran {ran} ago, {periods:.1f} periods late")
    for name in _stopped(target, [timer["unit"] for timer in timers if not timer.get("next")]):
        yield Measurement(None, name, f"{name} is enabled, but stopped", severity=WARNING)


def _stopped(target: Host, timers: Sequence[str]) -> list[str]:
    """Return those of the timers without a next time that should have one, because they start with the host."""
    if not timers:
        return []
    properties = "Id,UnitFileState,ActiveState,ConditionResult,ConditionTimestampMonotonic"
    output = target.output_of(["systemctl", "show", f"--property={properties}", *timers])
    units = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in output.split("\n\n")]
    return [
        unit["Id"]
        for unit in units
        if (unit.get("UnitFileState"), unit.get("ActiveState")) == ("enabled", "inactive") and not _does_not_apply(unit)
    ]


def _does_not_apply(unit: Mapping[str, str]) -> bool:
    """Tell whether systemd looked at the unit's conditions, and this host does not meet them."""
    return unit["ConditionResult"] == "no" and unit["ConditionTimestampMonotonic"] != "0"


def _crontabs(target: Host) -> list[str]:
    """Return the accounts that have a crontab."""
    folders = [target.path(name) for name in _CRONTAB_FOLDERS]
    try:
        return sorted(
            {path.name for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_file()}
        )
    except OSError as error:
        raise UnmeasurableError(f"the crontabs cannot be read: {error.strerror}") from None
