"""Checks of what systemd and supervisor run on the host."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..._bench.supervisor import program_states
from ..._system.quantities import HOUR_SECONDS
from ..findings import CRITICAL
from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.host import Host

MOST_RESTARTS_PER_HOUR = 5
# One restart a moment after the last run is many in an hour, and yet no loop.
LEAST_RESTARTS = 3
_FAILED_STATES = {"FATAL", "BACKOFF", "EXITED"}
# What the sites cannot be without, besides the bench's own services.
_VITAL_UNIT = re.compile(r"(mariadb|mysql|redis|valkey|nginx|supervisor|cron|docker|podman|systemd-journald|ssh)")
_RESTARTS_ITEM = "restarts"


@check(
    "H14",
    "units.failed",
    title="Services that failed, or start again and again",
    subject="host",
    target=Host,
    measures="failed units of systemd, programs of supervisor that ended or do not start, restarts since the last run",
    source="systemctl list-units and show, supervisorctl status",
    unit="bool",
    warning="0",
    impact="critical",
    remediation=Remediation(
        "Read why (journalctl -u UNIT, or the program's log in the bench), mend that, and start it: systemctl restart "
        "UNIT or supervisorctl start PROGRAM."
    ),
    reference="awesome-prometheus-alerts HostSystemdServiceCrashed; 5 restarts an hour: own proposal",
)
def units_failed(target: Host) -> Iterator[Measurement]:
    """Ask both managers; what a bench or its servers need is critical."""
    has_supervisor = bool(target.processes_of(["supervisord"]))
    has_systemd = target.path("/run/systemd/system").is_dir()
    if not has_supervisor and not has_systemd:
        raise NotApplicableError("neither systemd nor supervisor runs on this host")
    if has_supervisor:
        yield from _supervisor(target)
    if has_systemd:
        yield from _systemd(target)


def _supervisor(target: Host) -> Iterator[Measurement]:
    states = program_states(target.processes, target.surroundings.run, target.surroundings.root)
    if not states:
        yield Measurement(None, "supervisor", "supervisord runs, but does not tell of its programs")
        return
    failed = {name: state for name, state in sorted(states.items()) if state in _FAILED_STATES}
    for name, state in failed.items():
        # One that exited may have done so on purpose.
        severity = CRITICAL if state != "EXITED" and _is_vital(target, name) else ""
        yield Measurement(1, name, f"{name} of supervisor is {state}", severity=severity)
    if not failed:
        yield Measurement(0, "supervisor", f"no program of supervisor failed ({len(states)} are known)")


def _systemd(target: Host) -> Iterator[Measurement]:
    lines = target.output_of(["systemctl", "list-units", "--state=failed", "--plain", "--no-legend", "--no-pager"])
    # Some versions put a dot before the name all the same.
    failed = [line.lstrip("●* ").split()[0] for line in lines.splitlines() if line.strip("●* ")]
    for unit in failed:
        severity = CRITICAL if _is_vital(target, unit) else ""
        yield Measurement(1, unit, f"the unit {unit} failed", severity=severity)
    if not failed:
        yield Measurement(0, "systemd", "no unit of systemd failed")
    yield _restarts(target)


def _restarts(target: Host) -> Measurement:
    """Compare how often systemd restarted each service with what the last run saw."""
    output = target.output_of(["systemctl", "show", "--property=Id,NRestarts", "*.service"])
    units = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in output.split("\n\n")]
    now = {unit["Id"]: int(unit["NRestarts"]) for unit in units if unit.get("NRestarts", "0") not in {"", "0"}}
    fact = json.dumps({"at_seconds": target.now_seconds, "restarts": now})
    earlier = target.surroundings.history.fact("H14", target.name, _RESTARTS_ITEM)
    rates = _restarts_per_hour(json.loads(earlier), now, target.now_seconds) if earlier else {}
    looping = {unit: rate for unit, rate in sorted(rates.items()) if rate > MOST_RESTARTS_PER_HOUR}
    named = ", ".join(f"{unit} ({rate:.0f} times an hour)" for unit, rate in looping.items())
    text = f"systemd restarts {named}" if looping else "no service is restarted again and again"
    severity = CRITICAL if looping else ""
    return Measurement(float(bool(looping)), _RESTARTS_ITEM, text, severity=severity, fact=fact)


def _restarts_per_hour(earlier: Mapping[str, Any], now: Mapping[str, int], at_seconds: float) -> dict[str, float]:
    hours = max(at_seconds - earlier["at_seconds"], 1.0) / HOUR_SECONDS
    increases = {unit: count - earlier["restarts"].get(unit, 0) for unit, count in now.items()}
    return {unit: increase / hours for unit, increase in increases.items() if increase >= LEAST_RESTARTS}


def _is_vital(target: Host, name: str) -> bool:
    names = [bench.name for bench in target.benches]
    return _VITAL_UNIT.match(name) is not None or any(name.startswith(bench) for bench in names)
