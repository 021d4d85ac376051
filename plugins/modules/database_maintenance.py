#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep the tables of sites in order, within a window."""

from __future__ import annotations

DOCUMENTATION = r"""
module: database_maintenance
short_description: Keep the tables of sites in order, within a window
version_added: 0.1.0
description:
  - Makes stale statistics anew, rebuilds tables where that gives the disk room back, checks the tables of engines that a crash may
    harm, and repairs those that are marked as crashed.
  - In check mode it returns the plan.
  - A table is rebuilt online or not at all, with C(ALTER TABLE ... WAIT 5 FORCE, ALGORITHM=INPLACE, LOCK=NONE). It is watched from a
    second connection, and ended when others wait because of it for longer than O(thresholds.blocked_seconds).
  - InnoDB tables are never checked on the live server; M(lifeboat.frappe.site_drill) does that in a recovered copy.
  - Nothing is begun that would not be over in time, and nothing while the file C(maintenance.stop) is in O(state_path).
options:
  sites:
    description: The sites. Without it, all sites of the benches.
    type: list
    elements: str
    default: []
  window_minutes:
    description: How long the maintenance may take, from its beginning.
    type: int
    default: 60
  until:
    description:
      - When it must be over instead, as V(HH:MM) of the host's clock, or as a time with its offset.
      - A time of day that is more than 12 hours ahead counts as over.
    type: str
    default: ""
  replicas:
    description: Replicas, as V(host) or V(host:port), that must have everything before a rebuild begins.
    type: list
    elements: str
    default: []
  backup_paths:
    description: Folders with backup sets, besides those of the sites and of O(repository_path).
    type: list
    elements: path
    default: []
  repaired_keep_days:
    description:
      - For how many days the files of a MyISAM or Aria table are kept as they were before its repair, in
        C(maintenance/repaired) of O(state_path). V(0) keeps them for ever.
    type: int
    default: 30
  thresholds:
    description: From when on something is done, and from when on it is not.
    type: dict
    default: {}
    suboptions:
      analyze_changed_percent:
        description: Statistics are stale when more rows than this changed since they were made.
        type: float
        default: 10
      analyze_min_rows:
        description: The same in rows.
        type: int
        default: 100
      rebuild_min_bytes:
        description: The least size of a table that is rebuilt.
        type: int
        default: 104857600
      reclaim_min_bytes:
        description: The least that a rebuild must give back.
        type: int
        default: 524288000
      reclaim_min_percent:
        description: The same, of the size of the table.
        type: float
        default: 20
      check_max_bytes:
        description: The largest table that is checked, since a check keeps its writers waiting.
        type: int
        default: 268435456
      free_reserve_percent:
        description:
          - What must stay free of the file system with the data, besides 1.3 times the table.
        type: float
        default: 20
      max_transaction_seconds:
        description: No table is rebuilt while a transaction in the site's database is older.
        type: float
        default: 60
      max_threads_running:
        description: No table is rebuilt while more statements run.
        type: int
        default: 25
      max_history_length:
        description: No table is rebuilt while InnoDB has more changes to purge.
        type: int
        default: 50000
      max_io_pressure_percent:
        description: No table is rebuilt while something waits for the disk for a larger part of the time.
        type: float
        default: 20
      max_replica_lag_seconds:
        description: No table is rebuilt that would put replicas farther behind, since they repeat the rebuild.
        type: float
        default: 60
      max_backup_age_hours:
        description: No table is rebuilt while the newest complete backup of the site is older.
        type: float
        default: 26
      blocked_seconds:
        description: A rebuild is ended when others wait because of it for longer.
        type: float
        default: 2
extends_documentation_fragment:
  - lifeboat.frappe.benches
  - lifeboat.frappe.login
  - lifeboat.frappe.repository
  - lifeboat.frappe.progress
  - lifeboat.frappe.attributes
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Keep the tables of all sites in order, and be over by four o'clock
  lifeboat.frappe.database_maintenance:
    until: "04:00"

- name: Rebuild smaller tables as well, on a small host
  lifeboat.frappe.database_maintenance:
    sites: [erp.example.com]
    window_minutes: 30
    thresholds:
      rebuild_min_bytes: 52428800
      reclaim_min_bytes: 26214400
"""

RETURN = r"""
plan:
  description:
    - What there is to do, in its order, with C(bench), C(site), C(table), C(action) (C(repair), C(check), C(analyze) or C(rebuild)),
      C(bytes), C(gain_bytes), C(estimated_seconds) and C(reason).
  returned: always
  type: list
  elements: dict
window:
  description: When the window began and when it ends, in UTC. A run that begins in the window of another goes on with it.
  returned: always
  type: dict
  sample: {"began_at": "2026-11-21T01:00:00Z", "ends_at": "2026-11-21T04:00:00Z"}
bytes_per_second:
  description: How fast this host rebuilds tables, as measured so far.
  returned: always
  type: int
reclaimed_bytes:
  description: What the disk got back.
  returned: always
  type: int
done:
  description:
    - What was done, with C(site), C(table), C(action), C(seconds), C(before_bytes), C(after_bytes), C(changed) and C(note).
  returned: always
  type: list
  elements: dict
passed_over:
  description:
    - What was left alone, with C(site), C(table) (empty for all), C(action), C(kind) and C(reason).
    - A kind is one of C(backup), C(blocked), C(blocking), C(busy), C(checked_elsewhere), C(done), C(failed), C(log_too_big),
      C(not_online), C(partitioned), C(replication), C(shared_tablespace), C(space), C(stopped), C(too_large), C(transaction),
      C(unneeded), C(window) and C(would_block).
  returned: always
  type: list
  elements: dict
  sample: [{"site": "erp.example.com", "table": "tabVersion", "action": "rebuild", "kind": "blocking", "reason": "others waited for it"}]
expired:
  description: The folders with copies of repaired tables that were, or in check mode would be, removed.
  returned: always
  type: list
  elements: str
refused:
  description:
    - Sites that could not be worked on and tables that cannot be opened, with C(site) (empty for the host), C(error_code) and
      C(reason).
  returned: always
  type: list
  elements: dict
lines:
  description: All of that for people.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import ROOT, Bench, Site, find_bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.choice import Thresholds
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.conditions import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.tables.run import TablesRequest, run_tables
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    BENCHES_ARGUMENTS,
    LOGIN_ARGUMENTS,
    PROGRESS_ARGUMENTS,
    REPOSITORY_ARGUMENTS,
    benches_of,
    progress_reporter,
    require_pymysql_of_any,
    run,
)

INTEGERS = ("analyze_min_rows", "rebuild_min_bytes", "reclaim_min_bytes", "check_max_bytes", "max_threads_running")
INTEGERS += ("max_history_length",)
THRESHOLDS: dict[str, dict[str, Any]] = {
    name: {"type": "int" if name in INTEGERS else "float", "default": default}
    for name, default in vars(Thresholds()).items()
}


def sites_of(options: dict[str, Any], benches: list[Bench]) -> list[Site]:
    """Return the sites that the options name, or all."""
    if options["sites"]:
        searched = (options["bench_path"], options["search_paths"])
        return [find_bench(name, *searched).site(name) for name in options["sites"]]
    return [site for bench in benches for site in bench.sites()]


def work(module: AnsibleModule) -> dict[str, Any]:
    """Maintain the tables and return the module's result."""
    options = module.params
    benches = benches_of(options)
    require_pymysql_of_any(module, benches)
    request = TablesRequest(
        state_path=Path(options["state_path"]),
        sites=sites_of(options, benches),
        login=LoginOptions(**{name: options[name] for name in LOGIN_ARGUMENTS}),
        limits=Thresholds(**options["thresholds"]),
        window_minutes=options["window_minutes"],
        until=options["until"],
        repaired_keep_days=options["repaired_keep_days"],
        surroundings=Surroundings(
            replicas=options["replicas"],
            repository=Repository(Path(options["repository_path"])),
            backup_folders=[Path(path) for path in options["backup_paths"]],
            root=ROOT,
        ),
    )
    return run_tables(request, module.check_mode, progress_reporter(options))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **BENCHES_ARGUMENTS,
            **LOGIN_ARGUMENTS,
            **REPOSITORY_ARGUMENTS,
            **PROGRESS_ARGUMENTS,
            "sites": {"type": "list", "elements": "str", "default": []},
            "window_minutes": {"type": "int", "default": 60},
            "until": {"type": "str", "default": ""},
            "replicas": {"type": "list", "elements": "str", "default": []},
            "backup_paths": {"type": "list", "elements": "path", "default": []},
            "repaired_keep_days": {"type": "int", "default": 30},
            "thresholds": {"type": "dict", "default": {}, "apply_defaults": True, "options": THRESHOLDS},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
