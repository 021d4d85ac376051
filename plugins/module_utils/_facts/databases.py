"""A MariaDB server: its version, its accounts and what they may do, and the settings in which peers should agree."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from .._checks.lifecycle import release_cycle
from .._checks.targets.database_server import SYSTEM_SCHEMAS, DatabaseServer
from .peers import number_or_text, peer
from .software import program

PRODUCT = "mariadb"
# An account with so many privileges on everything has all that matter (MariaDB 10.6 knows about 40).
ALL_PRIVILEGES = 25
NO_PRIVILEGE = "USAGE"
# What decides about durability, replication, memory and what statements may do: where servers of one fleet differ in
# these, somebody changed one and forgot the others. What each server has for itself (names, ids, paths) is not here.
COMPARED = (
    *("binlog_expire_logs_seconds", "binlog_format", "binlog_row_image", "character_set_server", "collation_server"),
    *("event_scheduler", "expire_logs_days", "innodb_autoinc_lock_mode", "innodb_buffer_pool_size"),
    *("innodb_default_row_format", "innodb_doublewrite", "innodb_file_per_table", "innodb_flush_log_at_trx_commit"),
    *("innodb_flush_method", "innodb_io_capacity", "innodb_lock_wait_timeout", "innodb_log_file_size"),
    *("innodb_page_size", "innodb_print_all_deadlocks", "innodb_snapshot_isolation", "innodb_strict_mode"),
    *("interactive_timeout", "join_buffer_size", "local_infile", "lock_wait_timeout", "log_bin", "log_slow_query"),
    *("long_query_time", "max_allowed_packet", "max_connections", "max_heap_table_size", "max_statement_time"),
    *("performance_schema", "query_cache_size", "query_cache_type", "require_secure_transport", "skip_name_resolve"),
    *("slow_query_log", "sort_buffer_size", "sql_mode", "sync_binlog", "table_definition_cache", "table_open_cache"),
    *("thread_cache_size", "thread_handling", "time_zone", "tls_version", "tmp_table_size", "transaction_isolation"),
    *("tx_isolation", "wait_timeout"),
)


def database_software(server: DatabaseServer) -> list[dict[str, str]]:
    """Return the server's version."""
    return [program("database", "MariaDB", server.variables["version"].partition("-")[0], PRODUCT)]


def database_values(server: DatabaseServer) -> list[dict[str, Any]]:
    """Return the settings of the server that are compared with those of servers of the same series."""
    variables = server.variables
    series = release_cycle(PRODUCT, variables["version"]) or variables["version"]
    values = {name: number_or_text(variables[name]) for name in COMPARED if name in variables}
    # Several hosts may use the same server: it is one peer, wherever it is told of.
    identity = f"{variables.get('hostname', '')}:{variables.get('port', '')}:{variables.get('datadir', '')}"
    return [peer(f"MariaDB {series}", server.name, values, identity)]


def database_facts(server: DatabaseServer) -> list[dict[str, Any]]:
    """Return the server with its accounts, as far as the account that reads may see them."""
    return [{"name": server.name, "version": server.variables["version"], "accounts": _accounts(server)}]


def database_sizes(server: DatabaseServer) -> list[dict[str, Any]]:
    """Return the bytes of each database's tablespaces, which needs the privilege PROCESS.

    To ask information_schema.TABLES instead would open each table.
    """
    rows = server.query(
        "SELECT SUBSTRING_INDEX(NAME, '/', 1), SUM(FILE_SIZE) FROM information_schema.INNODB_SYS_TABLESPACES"
        " WHERE NAME LIKE '%/%' GROUP BY 1 ORDER BY 1"
    )
    return [
        {"server": server.name, "name": str(name), "site": server.site_names.get(str(name), ""), "bytes": int(size)}
        for name, size in rows
        if name not in SYSTEM_SCHEMAS
    ]


def _accounts(server: DatabaseServer) -> list[dict[str, Any]]:
    everywhere: dict[str, set[str]] = defaultdict(set)
    databases: dict[str, set[str]] = defaultdict(set)
    for account, privilege in server.query("SELECT GRANTEE, PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES"):
        everywhere[str(account)].add(str(privilege))
    for account, schema in server.query("SELECT GRANTEE, TABLE_SCHEMA FROM information_schema.SCHEMA_PRIVILEGES"):
        databases[str(account)].add(str(schema))
    return [
        {
            "account": account.replace("'", ""),
            "global_privileges": _shortened(everywhere[account]),
            # A pattern of a grant escapes what would stand for any character.
            "databases": sorted(schema.replace("\\", "") for schema in databases[account]),
        }
        for account in sorted(set(everywhere) | set(databases))
    ]


def _shortened(privileges: set[str]) -> list[str]:
    granted = privileges - {NO_PRIVILEGE}
    return ["ALL"] if len(granted) >= ALL_PRIVILEGES else sorted(granted)
