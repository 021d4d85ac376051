"""Every check there is: importing a subject file enters its checks into the registry."""

from __future__ import annotations

from .registry import REGISTRY, Check

# By name, one a line, so that Ansible ships each.
from .subjects import (  # noqa: F401
    acceptances,
    host_disk,
    host_files,
    host_journal,
    host_kernel,
    host_load,
    host_memory,
    host_network,
    host_pressure,
    host_restarts,
    host_storage,
    host_time,
    host_units,
    host_updates,
    mariadb_accounts,
    mariadb_binlog,
    mariadb_buffer_pool,
    mariadb_connection,
    mariadb_durability,
    mariadb_error_log,
    mariadb_growth,
    mariadb_indexes,
    mariadb_isolation,
    mariadb_load,
    mariadb_memory,
    mariadb_orphans,
    mariadb_redo,
    mariadb_replication,
    mariadb_schema,
    mariadb_settings,
    mariadb_slow_queries,
    mariadb_stuck,
    mariadb_tables,
    mariadb_transactions,
    mariadb_version,
    queue_jobs,
    queue_workers,
    redis_exposure,
    redis_frappe_keys,
    redis_memory,
    redis_persistence,
    redis_reachability,
    site_apps,
    site_assets,
    site_configuration,
    site_email,
    site_error_log,
    site_files,
    site_keys,
    site_log_tables,
    site_logins,
    site_migration,
    site_permissions,
    site_realtime,
    site_releases,
    site_scheduled_jobs,
    site_scheduler,
    site_services,
)


def all_checks() -> list[Check]:
    """Return the checks, ordered by id."""
    return [REGISTRY[check_id] for check_id in sorted(REGISTRY)]
