"""The check of what is left behind: databases and accounts without a site, tables without a DocType."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..._mariadb.identifiers import quote_identifier
from ..._recovery.journal import journals
from ..index_advice import FRAMEWORK_TABLES
from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.database_server import DatabaseServer

# How Frappe names the database of a site, and its account.
_FRAPPE_NAME = re.compile(r"_[0-9a-f]{16}")
EVIDENCE_LINES = 10


@check(
    "D37",
    "orphans.left",
    title="Databases, accounts and tables that belong to nothing",
    subject="mariadb",
    target=DatabaseServer,
    measures="Databases and accounts of Frappe's kind without a site here, and tables without a DocType",
    source="The server's databases and accounts, sites/ of the benches, tabDocType, the journals of recoveries",
    unit="count",
    warning="0",
    impact="info",
    remediation=Remediation(
        "Make sure that no other host uses them, back them up, then drop them. Tables without a DocType: "
        "bench --site SITE trim-database --dry-run lists them."
    ),
    reference="bench trim-database; Frappe Cloud's audit of sites on servers",
)
def orphans_left(server: DatabaseServer) -> Iterator[Measurement]:
    """Compare what the server has with the sites of this host."""
    if not server.database_names:
        raise NotApplicableError("no site of this host uses the server")
    known = {*server.database_names, *_names_in_journals(server)}
    databases = [str(name) for (name,) in server.query("SHOW DATABASES") if _FRAPPE_NAME.fullmatch(str(name))]
    yield _count("databases", "databases without a site on this host", set(databases) - known)
    known |= {str(login.login_user) for login in server.logins}
    accounts = [str(user) for (user,) in server.query("SELECT DISTINCT User FROM mysql.user")]
    orphaned = {user for user in accounts if _FRAPPE_NAME.fullmatch(user)} - known - set(databases)
    yield _count("accounts", "accounts without a site on this host", orphaned)
    for schema in server.database_names:
        label = server.label(schema)
        yield _count(label, f"tables of {label} without a DocType", _ghost_tables(server, schema))


def _names_in_journals(server: DatabaseServer) -> Iterator[str]:
    """Yield every name that recoveries wrote down: what they stage and keep is no orphan."""
    for site in server.site_names.values():
        for journal in journals(server.surroundings.state_path, site):
            for entry in journal.entries():
                yield from (value for value in entry.facts.values() if isinstance(value, str))


def _ghost_tables(server: DatabaseServer, schema: str) -> set[str]:
    # Names alone: the server reads the folder and opens no table for this.
    tables = server.query(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME LIKE 'tab%%'",
        (schema,),
    )
    doctypes = server.query(f"SELECT name FROM {quote_identifier(schema)}.tabDocType")  # noqa: S608
    return {str(name) for (name,) in tables} - {f"tab{name}" for (name,) in doctypes} - FRAMEWORK_TABLES


def _count(item: str, what: str, names: Iterable[str]) -> Measurement:
    found = sorted(names)
    return Measurement(len(found), item, f"{len(found)} {what}", tuple(found[:EVIDENCE_LINES]))
