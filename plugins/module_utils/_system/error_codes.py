"""Every error code of the collection and what it means. The documentation's list is generated from here."""

from __future__ import annotations

ERROR_CODES: dict[str, str] = {
    # system
    "command_failed": "A program that was needed ended with an error.",
    "command_missing": "A program that is needed is not installed.",
    "caller_gone": "Whoever started this work is gone, so it was given up and cleaned up.",
    "disk_space": "A file system has, or came to have, less room than the work needs.",
    "path_unsafe": "A path leads outside of where it must stay.",
    "module_killed": "The module's process was ended from outside, so there is no result of it.",
    "library_missing": "A Python library that the module needs is not installed on the host.",
    "report_unwritable": "A report cannot be written where it was asked for.",
    "query_invalid": "An expression that selects from a report cannot be understood.",
    # bench
    "bench_ambiguous": "The host has several benches, and which one is meant cannot be told.",
    "bench_not_found": "There is no bench where one was looked for.",
    "configuration_invalid": "A configuration file of a site or bench is not what Frappe can read.",
    "configuration_missing": "A configuration file of a site or bench does not exist.",
    "configuration_refused": "A change of a configuration was asked for that would misguide Frappe or lose data.",
    # queue
    "redis_unavailable": "A Redis server of the bench does not answer, or refuses the account.",
    # health checks
    "acceptance_invalid": "An accepted finding does not say until which day it is accepted, or cannot be accepted.",
    "check_unknown": "An id names no check.",
    "knowledge_invalid": "An entry of the list of known errors has a pattern that cannot be used.",
    "threshold_invalid": "A threshold is no range in the syntax of the Monitoring Plugins.",
    # verification
    "site_unhealthy": "The live site did not pass its verification.",
    # mariadb
    "mariadb_unreachable": "The server of the database does not answer.",
    "mariadb_access_denied": "The server of the database refused the account.",
    "mariadb_lost": "The server of the database went away during the work.",
    "mariadb_statement_failed": "The server of the database refused a statement.",
    "private_server_failed": "A server of our own, which a piece of work needs, could not be started.",
    "slow_queries_unreadable": "There is neither a slow query log nor a digest of the server that can be read.",
    # recovery: what is asked for
    "app_newer": "The backup set comes from newer apps than the bench has, or from apps that it does not have.",
    "wrong_site": "The backup set is of another site.",
    # recovery: journal and lock
    "recovery_promoted": "What the recovery staged is, or was about to be, live, so it cannot be thrown away.",
    "journal_damaged": "The journal of a recovery cannot be read.",
    "lock_lost": "The lock of the site went to another recovery in the meantime.",
    "account_shared": "A database or an account that has to be fenced is used by something else as well.",
    "files_missing": "File trees that belong in a place are not where the journal says.",
    "files_not_exchangeable": "A folder of files cannot be renamed where it is.",
    "not_staged": "What is to be promoted is not staged, or not proven.",
    "nothing_kept": "There is nothing that a rollback could put back.",
    "only_good_copy": "What would be deleted may be the only good copy of the site.",
    "promotion_refused": "A recovery that was rolled back or retired cannot be promoted again.",
    "promotion_unfinished": "A promotion or a rollback that did not end stands in the way.",
    "recovery_held": "What a recovery kept is held and must not be deleted.",
    "site_changed": "The site is neither as the recovery found it nor as it left it.",
    "site_login_failed": "The site could not log in to its new database.",
    "recovery_unknown": "No recovery with this id was begun on this host.",
    "site_locked": "Another recovery of the same site is running.",
    # making backups
    "backup_overtaken": "A site moved to another database while it was backed up.",
    "backup_running": "Another backup of the same site is running.",
    "backup_source_missing": "The database that is to be backed up is not there.",
    "backup_unproven": "What a backup wrote is not what it should have written, so it was removed.",
    "dump_failed": "The program that dumps a database ended with an error.",
    # drills
    "drill_failed": "What a drill recovered could not be proven.",
    "drill_running": "Another drill of the same site is running.",
    "drill_scratch_unsafe": "The place in which a drill would recover is not apart from what is live.",
    "drill_too_slow": "A drill took longer than its budget, or far longer than the drills before it.",
    # artifacts and sets
    "age_missing": "An artifact is, or is to be, encrypted with age, which is not installed.",
    "archive_refused": "An archive of files holds something that a backup of a site's files never holds.",
    "artifact_corrupt": "An artifact was damaged after it was written.",
    "artifact_missing": "An artifact is not there or cannot be read.",
    "artifact_too_large": "An artifact unpacks to more than it can honestly hold.",
    "artifact_truncated": "An artifact ends before its content does.",
    "backup_not_found": "There is no complete set that fits what was asked for.",
    "gpg_missing": "An artifact is, or is to be, encrypted with gpg, which is not installed.",
    "holds_damaged": "The file that says which backup sets are held cannot be understood.",
    "key_missing": "An artifact is encrypted and no key for it is known.",
    "key_wrong": "An artifact is encrypted with another key than the one given.",
    "manifest_invalid": "The manifest of a backup set is not there or cannot be understood.",
    "recover_to_invalid": "The recovery point asked for is neither a set's name nor a time with an offset.",
    # tablespaces
    "copy_failed": "The files of a database's tables could not be copied out of their server.",
    "physical_unsupported": "The files of a database's tables cannot be copied or imported one by one.",
    "schema_changing": "Tables were created, altered or dropped while the database was copied.",
    "server_not_local": "The data directory of the database's server is not on this host.",
    "tablespaces_invalid": "The description of copied tables cannot be understood.",
    # dumps
    "artifact_incomplete": "A dump has no completion line, or ends in the middle of a statement.",
    "collation_unknown": "The server of the database does not know a collation that the dump uses.",
    "database_in_use": "A staging database that is, or was, the live one of its recovery was to be dropped.",
    "statement_refused": "A dump holds a statement that no dump of a site holds.",
    "statement_too_long": "A dump holds a row or a statement that is longer than the server takes.",
    "proof_failed": "What was staged is not what the backup set holds, so it must not go live.",
    # recovery: files
    "files_damaged": "Files of a set are not those that the database knows by size and checksum.",
    "files_in_use": "Files that were to be removed are the way back to the replaced site.",
    "files_incomplete": "The staged files are not all that was extracted.",
}
