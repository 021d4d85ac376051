"""One look at a site: the checks of the order in which it comes up, and what the commands and fixes depend on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from .._bench.configuration import is_on
from .._bench.layout import Site
from .._bench.service import Service
from .._bench.services import find_services
from .._checks.catalogue import all_checks
from .._checks.findings import CRITICAL, Finding
from .._checks.history import read_history
from .._checks.patience import Patience
from .._checks.registry import UnmeasurableError
from .._checks.runner import RunOptions, run_checks
from .._checks.selection import select_checks
from .._checks.subjects.mariadb_connection import attempt_of
from .._checks.targets.bench import BenchTarget
from .._checks.targets.discovery import find_targets
from .._checks.targets.site import SiteTarget
from .._checks.targets.target import Surroundings, Target
from .._mariadb.connection import LoginOptions
from .._recovery.site_values import SWITCHES
from .._system.commands import CommandRunner
from .commands import LOCAL_HOSTS, Situation, commands_for
from .ownership import can_be_read_by
from .problems import ALSO_SEEN, CONFIGURATION, STAGES, Diagnosis, Problem, diagnose, is_broken

WANTED = {check_id for ids in STAGES.values() for check_id in ids} | set(ALSO_SEEN)
# All checks together may take as long as so many that hang one after another.
DEADLINES = 4


@dataclass(frozen=True)
class Look:
    """What one look found.

    Attributes:
        diagnosis: What is wrong.
        findings: Of all checks that were run.
        services: The bench's services.
        own_switches: The switches of maintenance that the site's own configuration turns on.
        cache_url: The address of the cache; it may hold a password; empty where the configuration does not tell.
        db_name: The site's database; empty where the configuration does not tell.
    """

    diagnosis: Diagnosis
    findings: Sequence[Finding]
    services: Sequence[Service]
    own_switches: Sequence[str]
    cache_url: str
    db_name: str


def look_at(
    site: Site, login: LoginOptions, surroundings: Surroundings, run: CommandRunner, skip: Collection[str] = ()
) -> Look:
    """Run the checks that concern a site, and put what they found into order.

    Args:
        site: The site, of which any part may be missing.
        login: How an administrator reaches the database server; what it leaves open comes from the bench.
        surroundings: The I/O of the checks.
        run: Runs ``supervisorctl`` and ``systemctl``, with more patience than a check has: what can be started again
            depends on their answers.
        skip: The ids of checks to leave out.

    Raises:
        LifeboatError: ``check_unknown``.
    """
    surroundings = replace(surroundings, history=read_history(surroundings.state_path))
    found = find_targets([site.bench], login, surroundings)
    (bench,) = (target for target in found if isinstance(target, BenchTarget))
    target = SiteTarget(site, bench, surroundings)
    targets: list[Target] = [*(each for each in found if not isinstance(each, SiteTarget)), target]
    try:
        checks = [check for check in select_checks(all_checks(), (), WANTED, skip) if not check.is_sampled]
        findings = run_checks(checks, targets, _run_options(surroundings.patience))
        services = find_services(site.bench, run, surroundings.root)
        commands = commands_for(findings, _situation(target, findings, services))
        diagnosis = diagnose(findings, commands, _unreadable(site), skip)
        return Look(diagnosis, findings, services, _own_switches(target), _cache_url(bench), _db_name(target))
    finally:
        for each in (*found, target):
            each.close()


def _run_options(patience: Patience) -> RunOptions:
    deadline_seconds = patience.deadline_seconds
    return RunOptions(sample_seconds=0, deadline_seconds=deadline_seconds, timeout_seconds=DEADLINES * deadline_seconds)


def _situation(target: SiteTarget, findings: Sequence[Finding], services: Sequence[Service]) -> Situation:
    site = target.site
    situation = Situation(
        site.name,
        site.bench.path,
        site.config_path,
        configuration_copy=_newest_copy(site),
        services=services,
    )
    with suppress(UnmeasurableError):
        address = target.address
        client = "localhost" if address.host in LOCAL_HOSTS else "%"
        situation = replace(situation, database_host=address.host, account=f"'{address.db_user}'@'{client}'")
        if any(finding.id == "D01" and is_broken(finding) for finding in findings):
            situation = replace(situation, attempt=attempt_of(target))
    return situation


def _newest_copy(site: Site) -> Path | None:
    with suppress(OSError):
        copies = sorted(site.backups_path.glob("*-site_config_backup*.json"), key=lambda path: path.stat().st_mtime)
        return copies[-1] if copies else None
    return None


def _unreadable(site: Site) -> list[Problem]:
    with suppress(OSError):
        user = site.bench.owner
        if not can_be_read_by(user, site.config_path.stat()):
            command = f"chown {user[0]}:{user[1]} {site.config_path} && chmod 0640 {site.config_path}"
            text = f"the bench's user ({user[0]}) may not read {site.config_path.name}"
            return [Problem(CONFIGURATION, "", CRITICAL, site.name, "", text, command, "")]
    return []


def _own_switches(target: SiteTarget) -> list[str]:
    with suppress(UnmeasurableError):
        return [switch for switch in SWITCHES if is_on(target.configuration, switch)]
    return []


def _cache_url(bench: BenchTarget) -> str:
    with suppress(UnmeasurableError):
        return bench.cache_url
    return ""


def _db_name(target: SiteTarget) -> str:
    with suppress(UnmeasurableError):
        return target.address.db_name
    return ""
