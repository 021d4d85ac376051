#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Advise settings of a MariaDB server from its load, and apply them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: database_settings
short_description: Advise settings of a MariaDB server from its load, and apply them
version_added: 0.1.0
description:
  - Measures the load of the server that the sites of this host use, and advises the buffer pool, the redo log, connections, the table
    cache, temporary tables and durability, each with its formula, the numbers that went into it, and what to know of the version.
  - What is advised is a file of options as well. With O(state=applied) it is put among the server's own files of options, after the
    server's program has read it without a complaint. Variables that can change while the server runs are set at once, the others wait
    for the next restart. The server is never restarted.
  - A person can review and edit the file first, and have exactly that applied with O(settings) and O(settings_sha256). Only the
    variables that are advised may be in it.
  - What was before is kept on the host. O(state=restored) puts back the file and what can change while the server runs.
  - A value that is within a tenth of what would be advised stays, and so does everything on a server whose load was seen for less than
    O(least_uptime_hours) since its start or its last new settings.
  - Where the server runs on another host, or in a container of its own, there is advice only, and without the memory of its host.
  - On a replica it changes the settings of the replica alone.
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
options:
  state:
    description: Whether settings are to be advised only, applied, or put back as they were before the first change.
    type: str
    choices: [advised, applied, restored]
    default: advised
  keep:
    description: Variables that stay as they are, whatever the load says.
    type: list
    elements: str
    default: []
  least_uptime_hours:
    description: For how long the load must have been seen before anything is advised.
    type: float
    default: 24
  sample_seconds:
    description:
      - The time between two samples of the server's counters, at least half a second. With V(0) there is one sample, which is compared
        with the server's start.
      - Where M(lifeboat.frappe.health_check) keeps a history, the time since its last run counts instead.
    type: float
    default: 2
  drop_in_path:
    description:
      - The file of options to write. Without it, it is C(90-lifeboat.cnf) in the last folder that the server's own files of options
        include.
    type: path
  settings:
    description: The text of the file that was reviewed. Exactly that is applied.
    type: str
  settings_sha256:
    description: The sha256 of the file that was reviewed.
    type: str
extends_documentation_fragment:
  - lifeboat.frappe.benches
  - lifeboat.frappe.login
  - lifeboat.frappe.attributes
"""

EXAMPLES = r"""
- name: Show what the load advises
  lifeboat.frappe.database_settings:

- name: Apply it, and leave durability as it is
  lifeboat.frappe.database_settings:
    state: applied
    keep: [innodb_flush_log_at_trx_commit, sync_binlog]

- name: Apply the file that was reviewed
  lifeboat.frappe.database_settings:
    state: applied
    settings: "{{ lookup('ansible.builtin.file', 'reviewed.cnf', rstrip=false) }}"
    settings_sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

- name: Back to how it was
  lifeboat.frappe.database_settings:
    state: restored
"""

RETURN = r"""
advice:
  description: For each variable what is advised and why. Empty with O(state=restored).
  returned: always
  type: list
  elements: dict
  contains:
    subject:
      description: What it is about.
      type: str
      sample: redo log
    variable:
      description: The variable.
      type: str
      sample: innodb_log_file_size
    now:
      description: Its value, or the one that awaits a restart.
      type: str
      sample: "100663296"
    advised:
      description: The value that it should have; the same where it is left.
      type: str
      sample: "1073741824"
    action:
      description: C(raise), C(lower), C(set), C(leave), C(wait) (the load was seen for too short a time) or C(unknown).
      type: str
      sample: raise
    why:
      description: One sentence.
      type: str
    formula:
      description: How the value is worked out, in words.
      type: str
    numbers:
      description: What went into the formula.
      type: dict
    source:
      description: Where the formula and its thresholds come from.
      type: str
    caveats:
      description: What to know of this server's version and of the change.
      type: list
      elements: str
    dynamic:
      description: Whether it can be set while the server runs.
      type: bool
drop_in:
  description: The file of options, as it is or as it could be.
  returned: always
  type: str
drop_in_sha256:
  description: Its sha256, as O(settings_sha256) takes it.
  returned: always
  type: str
drop_in_path:
  description: Where it is or would be. Empty where it has no place on this host.
  returned: always
  type: str
  sample: /etc/mysql/mariadb.conf.d/90-lifeboat.cnf
applied:
  description: The values that the running server got, or in check mode would get.
  returned: always
  type: dict
  sample: {"max_connections": "240"}
pending_restart:
  description: The values that it has only after its next restart.
  returned: always
  type: dict
  sample: {"innodb_doublewrite": "ON"}
overridden:
  description: Variables of the file that the server will not have after a restart, each with the reason.
  returned: always
  type: dict
  sample: {"sync_binlog": "a file of options that is read later sets it again"}
previous:
  description: The values that were before the first change, which O(state=restored) puts back.
  returned: always
  type: dict
  sample: {"max_connections": "151"}
lines:
  description: All of that for people.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import read_history
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.patience import PATIENT
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.discovery import find_targets
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.settings.run import (
    SettingsRequest,
    run_settings,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    BENCHES_ARGUMENTS,
    LOGIN_ARGUMENTS,
    benches_of,
    require_pymysql_of_any,
    run,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.quantities import HOUR_SECONDS


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what was asked for and return the module's result."""
    options = module.params
    benches = benches_of(options)
    require_pymysql_of_any(module, benches)
    state_path = Path(options["state_path"])
    login = LoginOptions(**{name: options[name] for name in LOGIN_ARGUMENTS})
    surroundings = Surroundings(patience=PATIENT, history=read_history(state_path), state_path=state_path)
    targets = find_targets(benches, login, surroundings)
    request = SettingsRequest(
        state=options["state"],
        state_path=state_path,
        check_mode=module.check_mode,
        keep=tuple(options["keep"]),
        least_uptime_seconds=options["least_uptime_hours"] * HOUR_SECONDS,
        sample_seconds=options["sample_seconds"],
        reviewed=options["settings"],
        reviewed_sha256=options["settings_sha256"] or "",
        drop_in_path=Path(options["drop_in_path"]) if options["drop_in_path"] else None,
    )
    try:
        return run_settings(request, targets)
    finally:
        for target in targets:
            target.close()


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **BENCHES_ARGUMENTS,
            **LOGIN_ARGUMENTS,
            "state": {"type": "str", "choices": ["advised", "applied", "restored"], "default": "advised"},
            "keep": {"type": "list", "elements": "str", "default": []},
            "least_uptime_hours": {"type": "float", "default": 24},
            "sample_seconds": {"type": "float", "default": 2},
            "drop_in_path": {"type": "path"},
            "settings": {"type": "str"},
            "settings_sha256": {"type": "str"},
        },
        mutually_exclusive=[("bench_path", "search_paths")],
        required_together=[("settings", "settings_sha256")],
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
