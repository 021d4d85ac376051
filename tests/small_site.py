"""A site of a lab with the few tables that the proofs of a recovery look at, so that one takes half a second."""

from __future__ import annotations

from contextlib import closing

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier

from tests.lab.lab import Lab

KEPT_TABLES = {
    "__Auth",
    "tabDocType",
    "tabUser",
    "tabDefaultValue",
    "tabFile",
    "tabInstalled Application",
    "tabSingles",
    "tabToDo",
}


def leave_few_tables(lab: Lab, site: str) -> None:
    """Drop all other tables, views and sequences of the site."""
    with closing(connect(lab.login)) as connection:
        execute(connection, f"USE {quote_identifier(lab.site_config(site)['db_name'])}")
        for name, kind in fetch_all(connection, "SHOW FULL TABLES"):
            if name not in KEPT_TABLES:
                execute(connection, f"DROP {'TABLE' if kind == 'BASE TABLE' else kind} {quote_identifier(name)}")
