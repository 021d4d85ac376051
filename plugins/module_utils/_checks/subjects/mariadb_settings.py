"""Checks of settings that stop a server from writing, or from telling what is slow."""

from __future__ import annotations

from collections.abc import Iterator

from ..registry import Measurement, Remediation, check
from ..targets.database_server import DatabaseServer

LONGEST_QUERY_SECONDS = 2.0
TELLING_DETAILS = ("query_plan", "explain")


@check(
    "D15",
    "server.writable",
    title="Settings that keep the server from writing",
    subject="mariadb",
    target=DatabaseServer,
    measures="1 where innodb_force_recovery is on, or a server that replicates from nobody is read-only",
    source="SHOW GLOBAL VARIABLES, SHOW ALL SLAVES STATUS",
    unit="bool",
    critical="0",
    impact="critical",
    remediation=Remediation(
        "innodb_force_recovery is for reading what is left: dump or recover, then remove it and restart. SET GLOBAL "
        "read_only = OFF once it is certain that this is the primary."
    ),
    reference="awesome-prometheus-alerts MysqlInnodbForceRecoveryIsEnabled; pt-variable-advisor",
)
def server_writable(server: DatabaseServer) -> Iterator[Measurement]:
    """Judge the three settings; a replica is read-only on purpose."""
    level = server.number("innodb_force_recovery")
    yield Measurement(int(level > 0), "innodb_force_recovery", f"innodb_force_recovery is {level:.0f}")
    yield Measurement(
        int(server.is_on("innodb_read_only")),
        "innodb_read_only",
        f"innodb_read_only is {server.variables.get('innodb_read_only', 'unknown')}",
    )
    is_read_only = server.variables["read_only"].upper() not in {"OFF", "0"}
    is_replica = is_read_only and bool(server.query("SHOW ALL SLAVES STATUS"))
    text = f"read_only is {server.variables['read_only']}" + (", as a replica should be" if is_replica else "")
    yield Measurement(int(is_read_only and not is_replica), "read_only", text)


@check(
    "D20",
    "slow_log.enabled",
    title="The log of slow statements",
    subject="mariadb",
    target=DatabaseServer,
    measures="1 where slow statements leave no trace",
    source="SHOW GLOBAL VARIABLES: slow_query_log, long_query_time, log_slow_verbosity; /etc/logrotate.d",
    unit="bool",
    warning="0",
    impact="low",
    remediation=Remediation(
        "SET GLOBAL slow_query_log = ON, long_query_time = 0.5, log_slow_verbosity = 'query_plan,explain', and the "
        "same in the option file."
    ),
    reference="MySQLTuner; frappe/press#1265 (0.5 s)",
)
def slow_log_enabled(server: DatabaseServer) -> Iterator[Measurement]:
    """Judge whether it is on and catches what users notice; what it could tell besides is evidence."""
    is_on = server.is_on("slow_query_log")
    seconds = server.number("long_query_time")
    state = f"on for statements of more than {seconds:g} s" if is_on else "off"
    is_blind = not is_on or seconds > LONGEST_QUERY_SECONDS
    evidence = tuple(_what_is_missing(server)) if is_on else ()
    yield Measurement(int(is_blind), text=f"the log of slow statements is {state}", evidence=evidence)


def _what_is_missing(server: DatabaseServer) -> Iterator[str]:
    verbosity = server.variables.get("log_slow_verbosity", "")
    missing = [detail for detail in TELLING_DETAILS if detail not in verbosity.split(",")]
    if missing:
        yield f"log_slow_verbosity has no {' and no '.join(missing)}"
    folder = server.surroundings.root / "etc" / "logrotate.d"
    if server.is_local and not any((folder / name).is_file() for name in ("mariadb", "mysql", "mysql-server")):
        yield "no file of /etc/logrotate.d rotates the logs of MariaDB"
