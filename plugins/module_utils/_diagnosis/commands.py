"""The command that mends what is broken, for whoever has to type it in the night. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from .._bench.service import STOPPED, Service
from .._checks.findings import Finding
from .._mariadb.stages import DATABASE, HANDSHAKE, LOGIN, NAME, SOCKET, TABLE, TRANSPORT, Attempt

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1", "")
WRONG_PASSWORD = 1045


@dataclass(frozen=True)
class Situation:
    """What a command depends on.

    Attributes:
        site: The site's name.
        bench_path: Its bench.
        configuration_path: The site's configuration.
        configuration_copy: The newest copy of it in a backup, or None.
        database_host: Where the database is; empty where the configuration does not tell.
        account: The account and the host it logs in from, as in ``'_abc'@'localhost'``; empty where it is not known.
        attempt: The login to the database, where it fails.
        services: The bench's services.
    """

    site: str
    bench_path: Path
    configuration_path: Path
    configuration_copy: Path | None = None
    database_host: str = ""
    account: str = ""
    attempt: Attempt | None = None
    services: Sequence[Service] = ()

    def bench(self, *arguments: str) -> str:
        """Return a command of bench for the site, in the bench's folder."""
        return f"cd {shlex.quote(str(self.bench_path))} && bench --site {shlex.quote(self.site)} {' '.join(arguments)}"

    def start(self, *kinds: str) -> str:
        """Return the command that starts the stopped services of some kinds; empty where none is stopped."""
        stopped = [each for each in self.services if each.kind in kinds and each.state == STOPPED]
        by_manager = {
            each.manager: [other.name for other in stopped if other.manager == each.manager] for each in stopped
        }
        return " && ".join(f"{_CLIENTS[manager]} start {' '.join(names)}" for manager, names in by_manager.items())


_CLIENTS = {"supervisor": "supervisorctl", "systemd": "systemctl", "systemd-user": "systemctl --user"}


def recover_command(situation: Situation) -> str:
    """Return the command that recovers the site from its newest backup."""
    return f"ansible-playbook lifeboat.frappe.recover -e site={shlex.quote(situation.site)}"


def command_for(finding: Finding, situation: Situation) -> str:
    """Return what mends a finding here; the check's own remedy where nothing more is known."""
    make = _COMMANDS.get(finding.id)
    return (make(finding, situation) if make else "") or finding.remediation


def commands_for(findings: Sequence[Finding], situation: Situation) -> Mapping[str, str]:
    """Return the commands of findings by their keys."""
    return {finding.key: command_for(finding, situation) for finding in findings}


def _configuration(finding: Finding, situation: Situation) -> str:
    path = shlex.quote(str(situation.configuration_path))
    if str(situation.configuration_path) not in finding.text:
        return f"python3 -m json.tool {shlex.quote(str(situation.bench_path / 'sites' / 'common_site_config.json'))}"
    if situation.configuration_copy is None:
        return f"python3 -m json.tool {path} (shows where it is broken; without a copy: {recover_command(situation)})"
    return f"cp {path} {path}.broken; cp {shlex.quote(str(situation.configuration_copy))} {path}"


def _database(_finding: Finding, situation: Situation) -> str:
    attempt = situation.attempt
    if attempt is None or not attempt.failed_stage:
        return ""
    stage = attempt.failed_stage
    if stage in (TRANSPORT, SOCKET, HANDSHAKE):
        start = "systemctl start mariadb; journalctl -u mariadb -n 50"
        return start if situation.database_host in LOCAL_HOSTS else f"on {situation.database_host}: {start}"
    if stage == LOGIN and attempt.error_number == WRONG_PASSWORD:
        return f"mariadb, then: ALTER USER {situation.account} IDENTIFIED BY '<db_password of site_config.json>';"
    if stage in (DATABASE, TABLE):
        return recover_command(situation)
    return f"getent hosts {shlex.quote(situation.database_host)}" if stage == NAME else attempt.advice


def _redis(_finding: Finding, situation: Situation) -> str:
    return situation.start("redis")


def _migrate(_finding: Finding, situation: Situation) -> str:
    return situation.bench("backup", "&&", "bench", "--site", situation.site, "migrate")


def _workers(finding: Finding, situation: Situation) -> str:
    return (
        f"cd {situation.bench_path} && env/bin/rq resume" if finding.item == "suspended" else situation.start("worker")
    )


def _scheduler(finding: Finding, situation: Situation) -> str:
    if "maintenance_mode" in f"{finding.item} {finding.text}":
        return situation.bench("set-maintenance-mode", "off")
    return situation.bench("scheduler", "enable" if "enable_scheduler" in finding.text else "resume")


def _web(finding: Finding, situation: Situation) -> str:
    if "status 503" in finding.text:
        return situation.bench("set-maintenance-mode", "off")
    if finding.item == "front":
        return "nginx -t && systemctl restart nginx"
    return situation.start("web") or f"tail -n 50 {situation.bench_path}/logs/web.error.log"


_COMMANDS: Mapping[str, Callable[[Finding, Situation], str]] = {
    "F01": _configuration,
    "D01": _database,
    "R01": _redis,
    "F04": _migrate,
    "Q01": _workers,
    "F12": _scheduler,
    "F05": _scheduler,
    "W01": _web,
}
