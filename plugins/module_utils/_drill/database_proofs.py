"""Proving the database of a drill: every table is whole, has its rows, and the site's marks and secrets are in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._bench.apps import compare_versions
from .._mariadb.connection import fetch_all
from .._mariadb.identifiers import quote_identifier
from .._mariadb.server import list_tables
from .._recovery.database_proof import FILLED_TABLES, PRESENT_TABLES, SECRET_ABSENT, SECRET_OPENS, prove_key
from .._system.errors import LifeboatError
from .._system.progress import ProgressReporter
from .._system.quantities import count_text
from .findings import FAILED, OK, SKIPPED, Finding, names_text

if TYPE_CHECKING:
    from pymysql.connections import Connection

INSTALLED_TABLE = "tabInstalled Application"


def check_tables(connection: Connection[Any], database: str, progress: ProgressReporter) -> Finding:
    """Read every row and every key of every table (CHECK TABLE ... EXTENDED).

    On a live server this is not done: it locks tables for as long as it reads them, and a damaged page stops the
    server. In a scratch place both cost nobody anything.
    """
    tables = list_tables(connection, database)
    damaged = []
    progress.start("check tables", total_items=len(tables))
    for number, table in enumerate(tables):
        progress.update(done_items=number, item_name=table)
        answer = fetch_all(connection, f"CHECK TABLE {quote_identifier(database)}.{quote_identifier(table)} EXTENDED")
        if (str(answer[-1][2]), str(answer[-1][3])) != ("status", "OK"):
            damaged.append(table)
    if damaged:
        return Finding("tables", FAILED, f"{len(damaged)} of {len(tables)} tables are damaged: {names_text(damaged)}.")
    return Finding("tables", OK, f"Every row and key of {count_text(len(tables), 'table')} was read, none is damaged.")


def count_rows(connection: Connection[Any], database: str, progress: ProgressReporter) -> dict[str, int]:
    """Count the rows of every table."""
    tables = list_tables(connection, database)
    progress.start("count rows", total_items=len(tables))
    counted = {}
    for number, table in enumerate(tables):
        progress.update(done_items=number, item_name=table)
        place = f"{quote_identifier(database)}.{quote_identifier(table)}"
        counted[table] = int(fetch_all(connection, f"SELECT COUNT(*) FROM {place}")[0][0])  # noqa: S608
    return counted


def compare_rows(counted: Mapping[str, int], expected: Mapping[str, int], source: str) -> Finding:
    """Compare the rows of every table with what its set says. Pure.

    Args:
        counted: What was recovered.
        expected: Rows by table, of every table whose rows are known; empty where none are.
        source: What says so, for the sentence: ``the set's manifest`` or ``the dump``.
    """
    if not expected:
        return Finding("rows", SKIPPED, f"{source[0].upper()}{source[1:]} does not say how many rows there are.")
    absent = [table for table in expected if table not in counted]
    other = [table for table, rows in expected.items() if counted.get(table, rows) != rows]
    if absent:
        return Finding("rows", FAILED, f"Tables of {source} are missing: {names_text(absent)}.")
    if other:
        return Finding("rows", FAILED, f"{len(other)} tables have other rows than {source} says: {names_text(other)}.")
    rows, tables = count_text(sum(expected.values()), "row"), count_text(len(expected), "table")
    return Finding("rows", OK, f"{rows} in {tables}, as {source} says.")


def prove_site(counted: Mapping[str, int]) -> Finding:
    """Prove that the tables are those of a site that can be logged in to. Pure."""
    missing = [table for table in (*FILLED_TABLES, *PRESENT_TABLES) if table not in counted]
    empty = [table for table in FILLED_TABLES if counted.get(table) == 0]
    if missing:
        return Finding("site", FAILED, f"Tables that every site has are missing: {names_text(missing)}.")
    if empty:
        return Finding("site", FAILED, f"Tables without which nobody can log in are empty: {names_text(empty)}.")
    return Finding("site", OK, "The tables that every site has are there and filled.")


def prove_secret(connection: Connection[Any], database: str, encryption_key: str | None) -> Finding:
    """Prove that the key that the recovered site would have opens one of its stored secrets."""
    try:
        result = prove_key(connection, database, encryption_key)
    except LifeboatError:
        return Finding(
            "secret", FAILED, "The encryption key that the site would have opens none of its stored secrets."
        )
    if result == SECRET_OPENS:
        return Finding("secret", OK, "A stored secret opens with the encryption key that the site would have.")
    if result == SECRET_ABSENT:
        return Finding("secret", SKIPPED, "No secret is stored that the encryption key could be tried on.")
    return Finding(
        "secret", FAILED, "Secrets are stored, and neither the set nor the live site has a key that could open them."
    )


def prove_apps(connection: Connection[Any], database: str, bench_apps: Mapping[str, str]) -> Finding:
    """Prove that the bench has every app that the recovered site says is installed, and none older."""
    if INSTALLED_TABLE not in list_tables(connection, database):
        return Finding("apps", SKIPPED, f"The site has no {INSTALLED_TABLE}, which lists its apps.")
    rows = fetch_all(
        connection,
        f"SELECT app_name, app_version FROM {quote_identifier(database)}.{quote_identifier(INSTALLED_TABLE)}",  # noqa: S608
    )
    return judge_apps({str(app): str(version or "") for app, version in rows}, bench_apps)


def judge_apps(installed: Mapping[str, str], bench_apps: Mapping[str, str]) -> Finding:
    """Compare the apps of a recovered site with those of the bench. Pure."""
    absent = [app for app in installed if app not in bench_apps]
    newer = [
        f"{app} {version} (bench: {bench_apps[app]})"
        for app, version in installed.items()
        if app in bench_apps and compare_versions(version, bench_apps[app]) > 0
    ]
    if absent:
        return Finding("apps", FAILED, f"The bench does not have {names_text(absent)}, which the site uses.")
    if newer:
        return Finding("apps", FAILED, f"The site comes from newer apps than the bench has: {names_text(newer)}.")
    known = ", ".join(f"{app} {version}" for app, version in sorted(installed.items()))
    if not known:
        return Finding("apps", SKIPPED, "The site does not list its apps.")
    return Finding("apps", OK, f"The bench has every app of the site, none older: {known}.")
