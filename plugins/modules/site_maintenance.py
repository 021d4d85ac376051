#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put a site into maintenance, or out of it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: site_maintenance
short_description: Put a site into maintenance, or out of it
version_added: 0.1.0
description:
  - With O(state=present) it pauses the site's scheduler, waits while jobs of this site run, turns maintenance mode on, reloads the
    web processes gracefully (Frappe 16 caches the configuration for 60 seconds), and ends the connections to the site's database.
  - With O(state=absent) the switches get exactly the values back that they had, also none.
  - Other sites of the bench are not disturbed, no worker is stopped. It needs no C(bench) command, and neither Redis nor MariaDB has
    to run.
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
options:
  state:
    description: Whether the site is to be in maintenance.
    type: str
    choices: [present, absent]
    default: present
  drain_timeout_seconds:
    description: How long running jobs of the site may take to end before it is closed all the same.
    type: float
    default: 30
extends_documentation_fragment:
  - lifeboat.frappe.site
  - lifeboat.frappe.recovery
  - lifeboat.frappe.login
  - lifeboat.frappe.attributes
"""

EXAMPLES = r"""
- name: Close the site for some work
  lifeboat.frappe.site_maintenance:
    site: erp.example.com

- name: Open it again
  lifeboat.frappe.site_maintenance:
    site: erp.example.com
    state: absent
"""

RETURN = r"""
plan:
  description: What was, or in check mode would be, done; RV(plan.steps) is empty when nothing is to be done.
  returned: always
  type: dict
  contains:
    steps:
      description: What is done, in this order.
      type: list
      elements: str
      returned: always
    before:
      description: The switches of maintenance before.
      type: dict
      returned: always
    after:
      description: The switches of maintenance after.
      type: dict
      returned: always
drained:
  description: How long running jobs were waited for, which still ran, and why it could not be looked at. Null when nothing was done.
  returned: always
  type: dict
  sample: {"waited_seconds": 2.4, "still_running": [{"job": "erp.example.com::0b7c", "queue": "long", "seconds": 812}], "skipped": ""}
ended_connections:
  description: How many connections to the site's database were ended. Null when nothing was done or MariaDB cannot be reached.
  returned: always
  type: int
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import find_bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    LOGIN_ARGUMENTS,
    RECOVERY_ARGUMENTS,
    login_options,
    require_pymysql,
    run,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.maintenance_run import (
    MaintenanceRequest,
    run_absent,
    run_present,
)


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what was asked for and return the module's result."""
    parameters = module.params
    request = MaintenanceRequest(
        site=find_bench(parameters["site"], parameters["bench_path"]).site(parameters["site"]),
        state_path=Path(parameters["state_path"]),
        recovery=parameters["recovery"] or "",
        drain_timeout_seconds=parameters["drain_timeout_seconds"],
        check_mode=module.check_mode,
    )
    if parameters["state"] == "present":
        result = run_present(lambda: connect(login_options(parameters)), request)
    else:
        result = run_absent(request)
    return {**result, "diff": {name: result["plan"][name] for name in ("before", "after")}}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **RECOVERY_ARGUMENTS,
            **LOGIN_ARGUMENTS,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "drain_timeout_seconds": {"type": "float", "default": 30},
        },
        supports_check_mode=True,
    )
    require_pymysql(module, module.params["bench_path"])
    run(module, work)


if __name__ == "__main__":
    main()
