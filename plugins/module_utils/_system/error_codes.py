"""Every error code of the collection and what it means. The documentation's list is generated from here."""

from __future__ import annotations

ERROR_CODES: dict[str, str] = {
    # system
    "command_failed": "A program that was needed ended with an error.",
    "command_missing": "A program that is needed is not installed.",
    "caller_gone": "Whoever started this work is gone, so it was given up and cleaned up.",
    "disk_space": "A file system has, or came to have, less room than the work needs.",
    "path_unsafe": "A path leads outside of where it must stay.",
    "library_missing": "A Python library that the module needs is not installed on the host.",
    # bench
    "bench_ambiguous": "The host has several benches, and which one is meant cannot be told.",
    "bench_not_found": "There is no bench where one was looked for.",
    "configuration_invalid": "A configuration file of a site or bench is not what Frappe can read.",
    "configuration_missing": "A configuration file of a site or bench does not exist.",
    # queue
    "redis_unavailable": "A Redis server of the bench does not answer, or refuses the account.",
    # verification
    "site_unhealthy": "The live site did not pass its verification.",
    # mariadb
    "mariadb_unreachable": "The server of the database does not answer.",
    "mariadb_access_denied": "The server of the database refused the account.",
    "mariadb_lost": "The server of the database went away during the work.",
    "mariadb_statement_failed": "The server of the database refused a statement.",
    # recovery: journal and lock
    "journal_damaged": "The journal of a recovery cannot be read.",
    "lock_lost": "The lock of the site went to another recovery in the meantime.",
    "recovery_unknown": "No recovery with this id was begun on this host.",
    "site_locked": "Another recovery of the same site is running.",
}
