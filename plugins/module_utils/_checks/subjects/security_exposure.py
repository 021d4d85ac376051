"""What somebody outside could use: accounts, open ports, secrets that others can read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..._backups.catalogue import catalogue, folder_problems, site_folders
from ..._backups.repository import Repository
from ..._bench.layout import Site
from ..._system.quantities import count_text
from ..listeners import Listener, local_addresses, read_listeners
from ..registry import Measurement, Remediation, check
from ..targets.database_server import DatabaseServer
from ..targets.host import DATABASE_PROGRAMS, REDIS_PROGRAMS, Host

LOCAL_ACCOUNT_HOSTS = {"localhost", "127.0.0.1", "::1"}
# MariaDB's own accounts, which cannot log in.
SYSTEM_ACCOUNTS = {"mariadb.sys", "mysql.sys", "mysql.session", "mysql.infoschema", "PUBLIC"}
SUPER_PRIVILEGE_BIT = 1 << 15
PASSWORD_PLUGINS = {"", "mysql_native_password", "mysql_old_password", "ed25519", "caching_sha2_password"}
# Servers that nobody outside of the host or its private network should reach.
INTERNAL_PROGRAMS = (*DATABASE_PROGRAMS, *REDIS_PROGRAMS, "supervisord", "gunicorn", "node")
SECRET_ARGUMENT = re.compile(r"(--?(db[-_]|root[-_]|admin[-_])?pass(word|wd)?[= ]\S+)|(\A-p\S+\Z)", re.IGNORECASE)
SHOWN = 10
DATABASE_CLIENTS = ("mysql", "mariadb", "mysqldump", "mariadb-dump", "mysqladmin", "mariadb-admin", "bench")


@check(
    "S01",
    "database.accounts",
    title="Database accounts",
    subject="security",
    target=DatabaseServer,
    measures="accounts that are anonymous, without a password, administrators from elsewhere, or open to every host",
    source="mysql.global_priv",
    unit="count",
    warning="0",
    impact="critical",
    remediation=Remediation("Drop the account, or give it a password and the host from which it is used."),
    reference="Lynis DBS-1816; MySQLTuner's account checks",
)
def database_accounts(target: DatabaseServer) -> Iterator[Measurement]:
    """Look at every account; one that needs no password is critical."""
    rows = target.query("SELECT User, Host, Priv FROM mysql.global_priv")
    problems = [problem for row in rows if (problem := _problem(str(row[0]), str(row[1]), json.loads(row[2])))]
    problems.sort(key=lambda problem: (not problem.is_open_door, problem.text))
    severity = "critical" if any(problem.is_open_door for problem in problems) else ""
    text = f"{count_text(len(problems), 'account')} of {len(rows)} should not be so"
    yield Measurement(len(problems), text=text, evidence=tuple(problem.text for problem in problems), severity=severity)


@dataclass(frozen=True)
class _Problem:
    text: str
    is_open_door: bool


def _problem(user: str, host: str, privileges: dict[str, Any]) -> _Problem | None:
    if user in SYSTEM_ACCOUNTS or privileges.get("account_locked") or privileges.get("is_role"):
        return None
    account = f"{user or 'anonymous'}@{host}"
    if not user:
        return _Problem(f"{account} lets anybody in", is_open_door=True)
    # An empty one of several ways to log in stands for the way that is beside them.
    if any(_needs_no_password(way or privileges) for way in privileges.get("auth_or", [privileges])):
        return _Problem(f"{account} has no password", is_open_door=True)
    is_administrator = bool(int(privileges.get("access", 0)) & SUPER_PRIVILEGE_BIT)
    if is_administrator and host not in LOCAL_ACCOUNT_HOSTS:
        return _Problem(f"{account} administers the server from another host", is_open_door=host == "%")
    if host == "%":
        return _Problem(f"{account} may come from every host", is_open_door=False)
    return None


def _needs_no_password(way: dict[str, Any]) -> bool:
    return way.get("plugin", "") in PASSWORD_PLUGINS and not way.get("authentication_string")


@check(
    "S02",
    "ports.exposed",
    title="Open ports",
    subject="security",
    target=Host,
    measures="servers that listen on more than loopback and are not in expected_listeners",
    source="/proc/net/tcp and tcp6, the owners of the sockets, the addresses of this host",
    unit="count",
    warning="0",
    impact="critical",
    remediation=Remediation("Bind the server to 127.0.0.1 or a private address, or name its port as expected."),
    reference="Lynis FIRE and DBS tests; MySQLTuner's open ports",
)
def ports_exposed(target: Host) -> Iterator[Measurement]:
    """Find what listens to others; an internal server on a public address is critical."""
    root, settings = target.surroundings.root, target.surroundings.settings
    listeners = [
        listener
        for listener in read_listeners(root)
        if not listener.address.is_loopback and listener.port not in settings.expected_listeners
    ]
    is_public = any(address.is_global for address in local_addresses(root))
    internal = [listener for listener in listeners if listener.program.startswith(INTERNAL_PROGRAMS)]
    severity = "critical" if any(_is_public(listener, is_public) for listener in internal) else ""
    shown = tuple(f"{listener.program or 'a server'} on {listener.address}:{listener.port}" for listener in listeners)
    yield Measurement(len(listeners), text=_listening(shown), evidence=shown, severity=severity)


def _is_public(listener: Listener, host_is_public: bool) -> bool:
    return listener.address.is_global or (listener.address.is_unspecified and host_is_public)


def _listening(shown: tuple[str, ...]) -> str:
    return f"{count_text(len(shown), 'unexpected server')} reachable from other hosts"


@check(
    "S03",
    "secrets.visible",
    title="Secrets that others can see",
    subject="security",
    target=Host,
    measures="processes with a password on their command line, and backups that every account of the host may read",
    source="/proc/*/cmdline; lstat of the sites' backups",
    unit="count",
    warning="0",
    impact="high",
    remediation=Remediation(
        "Give passwords in an option file that its owner alone may read, and take backups away from others: "
        "chmod o-rwx."
    ),
    reference="Lynis FILE-7524; bench writes its backups, which hold password hashes, readable for all",
)
def secrets_visible(target: Host) -> Iterator[Measurement]:
    """Look for what any account of the host can read; of a command only the program's name is reported."""
    commands = sorted(
        f"{process.arguments[0].rpartition('/')[2]} (process {process.pid})"
        for process in target.processes
        if _shows_a_secret(process.arguments)
    )
    shown = [f"{command} has a password on its command line" for command in commands]
    repository = Repository(Path(target.surroundings.settings.repository_path))
    readable = [problem for site in _sites(target) for problem in _readable_backups(site, repository)]
    severity = "critical" if shown else ""
    text = f"{count_text(len(shown), 'command')} with a password, {count_text(len(readable), 'backup')} open to others"
    yield Measurement(len(shown) + len(readable), text=text, evidence=(*shown, *readable)[:SHOWN], severity=severity)


def _shows_a_secret(arguments: tuple[str, ...]) -> bool:
    if not arguments or arguments[0].rpartition("/")[2] not in DATABASE_CLIENTS:
        return False
    return any(SECRET_ARGUMENT.search(argument) for argument in arguments[1:])


def _sites(target: Host) -> list[Site]:
    return [site for bench in target.benches for site in bench.sites()]


def _readable_backups(site: Site, repository: Repository) -> list[str]:
    folders = site_folders(site, repository)
    return [
        *folder_problems(folders),
        *(problem for backup in catalogue(folders, site.name) for problem in backup.insecure_permissions),
    ]
