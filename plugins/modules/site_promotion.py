#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Promote, roll back or retire the recovery of a site."""

from __future__ import annotations

DOCUMENTATION = r"""
module: site_promotion
short_description: Make what a recovery staged live, put back what it replaced, or delete that
version_added: 0.1.0
description:
  - With O(state=promoted) it pauses the site's scheduler and lets its running jobs end while the site still serves. Then it closes
    the site, fences the old database (its account locked, its connections ended), exchanges the file trees, and writes a
    configuration that names the new database, which opens the site. The web processes are reloaded gracefully.
  - The site is down for less than a second, whatever its size. Other sites of the bench and of the server go on.
  - With O(state=rolled_back) it does the same the other way round, from any point that a promotion had reached. The replaced
    configuration comes back byte for byte. What had been promoted is fenced and kept. It cannot be promoted again, because it may
    have been written to after it was proven; begin a new recovery instead.
  - With O(state=retired) it deletes what a recovery keeps, and with O(state=expired) what any recovery of the site keeps longer than
    it was to be kept. Both leave what may be the only good copy of the site, and what is held by a file C(hold) beside the
    recovery's journal.
  - When it is ended in between, running it again goes on where it stopped.
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
options:
  state:
    description: What the recovery is to be.
    type: str
    choices: [promoted, rolled_back, retired, expired]
    default: promoted
  recovery:
    description: The recovery. Needed to promote one; otherwise the last one that was promoted is taken.
  encryption_key:
    description:
      - What opens the configuration of an encrypted set, with O(state=promoted).
      - Without it, the C(backup_encryption_key) of the live site.
    type: str
  drain_timeout_seconds:
    description: How long running jobs of the site may take to end before it is closed.
    type: float
    default: 30
  reload_timeout_seconds:
    description: How long to wait for the web processes of before to end, once the site is open again.
    type: float
    default: 10
extends_documentation_fragment:
  - lifeboat.frappe.site
  - lifeboat.frappe.recovery
  - lifeboat.frappe.login
  - lifeboat.frappe.attributes
"""

EXAMPLES = r"""
- name: Make what was staged live
  lifeboat.frappe.site_promotion:
    site: erp.example.com
    recovery: 20261121T031522Z-9f3a

- name: Put the previous site back
  lifeboat.frappe.site_promotion:
    site: erp.example.com
    state: rolled_back

- name: Delete what recoveries kept for long enough
  lifeboat.frappe.site_promotion:
    site: erp.example.com
    state: expired
"""

RETURN = r"""
plan:
  description: What was, or in check mode would be, done; RV(plan.steps) is empty when nothing is to be done.
  returned: always
  type: dict
  contains:
    steps:
      description: The steps, as the journal names them.
      type: list
      elements: str
      returned: always
    also_kept:
      description: What other recoveries of the site keep, each with its RV(ignore:recovery), database, files and until when.
      type: list
      elements: dict
      returned: with O(state=retired)
  sample: {"steps": ["promote.fence", "promote.files", "promote.configuration"], "database": "_a9c3f1d2e4b50617"}
database:
  description: The database from which the site lives now; empty with O(state=retired) and O(state=expired).
  returned: always
  type: str
replaced_database:
  description: The database from which it does not live any more.
  returned: always
  type: str
kept:
  description: What the recovery keeps and until when. Null when it keeps nothing, and with O(state=expired).
  returned: always
  type: dict
  sample: {"database": "_1c8e72aa0b3d4f65", "files": "/home/frappe/frappe-bench/sites/erp.example.com/.lifeboat/20261121T031522Z-9f3a",
    "until": "2026-11-28T03:15:22Z"}
downtime_seconds:
  description: How long the site was closed. Null when it was not.
  returned: always
  type: float
steps:
  description: The steps that were done, with the seconds that each took.
  returned: always
  type: list
  elements: dict
drained:
  description: How long running jobs were waited for and which still ran. Null except with O(state=promoted).
  returned: always
  type: dict
  sample: {"waited_seconds": 2.4, "still_running": [], "skipped": ""}
"""

from contextlib import closing
from datetime import datetime, timezone
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
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.promotion_run import (
    PromotionRequest,
    run_expired,
    run_promoted,
    run_retired,
    run_rolled_back,
)


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what was asked for and return the module's result."""
    parameters = module.params
    request = PromotionRequest(
        site=find_bench(parameters["site"], parameters["bench_path"]).site(parameters["site"]),
        state_path=Path(parameters["state_path"]),
        recovery=parameters["recovery"] or "",
        encryption_key=parameters["encryption_key"],
        drain_timeout_seconds=parameters["drain_timeout_seconds"],
        reload_timeout_seconds=parameters["reload_timeout_seconds"],
        check_mode=module.check_mode,
    )
    with closing(connect(login_options(parameters))) as connection:
        if parameters["state"] == "expired":
            result = run_expired(connection, request, datetime.now(timezone.utc))
        else:
            actions = {"promoted": run_promoted, "rolled_back": run_rolled_back, "retired": run_retired}
            result = actions[parameters["state"]](connection, request)
    return {**result, "diff": result["plan"].get("configuration", {"before": {}, "after": {}})}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **RECOVERY_ARGUMENTS,
            **LOGIN_ARGUMENTS,
            "state": {
                "type": "str",
                "choices": ["promoted", "rolled_back", "retired", "expired"],
                "default": "promoted",
            },
            "encryption_key": {"type": "str", "no_log": True},
            "drain_timeout_seconds": {"type": "float", "default": 30},
            "reload_timeout_seconds": {"type": "float", "default": 10},
        },
        required_if=[("state", "promoted", ["recovery"])],
        supports_check_mode=True,
    )
    require_pymysql(module, module.params["bench_path"])
    run(module, work)


if __name__ == "__main__":
    main()
