#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Assess the damage of a site."""

from __future__ import annotations

DOCUMENTATION = r"""
module: site_assessment
short_description: Assess the damage of a site before it is recovered
version_added: 0.1.0
description:
  - With O(scope=corruption) it finds the tables of the live database that are damaged. MyISAM and Aria tables are asked with
    C(CHECK TABLE ... QUICK); the rows of InnoDB tables are read within a time limit, because C(CHECK TABLE) may end a server that meets
    a damaged page. The server's error log is searched for damage where it can be read.
  - With O(scope=loss) it compares the numbers of rows with a backup set, and counts what was written since the recovery point, by
    DocType and user, from C(Activity Log), C(Version) and C(Deleted Document). No content of a row is returned.
  - It reads only.
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
options:
  scope:
    description: What to look for.
    type: str
    choices: [corruption, loss]
    required: true
  recovery:
    description: The recovery that was begun; the live database and the set come from its plan.
    required: true
  encryption_key:
    description: The passphrase of an encrypted set. Without it, C(backup_encryption_key) of the set or of the live site.
    type: str
  error_log_path:
    description: The server's error log. Without it, the server is asked where it is, if it runs on this host.
    type: path
  table_timeout_seconds:
    description: How long one table may be read.
    type: float
    default: 10
extends_documentation_fragment:
  - lifeboat.frappe.site
  - lifeboat.frappe.recovery
  - lifeboat.frappe.login
  - lifeboat.frappe.progress
  - lifeboat.frappe.attributes.read_only
"""

EXAMPLES = r"""
- name: Find the damaged tables
  lifeboat.frappe.site_assessment:
    site: erp.example.com
    recovery: 20261121T031522Z-9f3a
    scope: corruption

- name: Measure what was lost, and what was written since the backup
  lifeboat.frappe.site_assessment:
    site: erp.example.com
    recovery: 20261121T031522Z-9f3a
    scope: loss
  register: assessed
"""

RETURN = r"""
assessment:
  description:
    - What was found. RV(assessment.summary) says it in sentences.
    - With O(scope=corruption) it has C(tables), C(outcomes), C(damaged), C(not_checked) and C(error_log).
    - With O(scope=loss) it has C(lost), C(written), C(traces), C(recovery_point) and C(time_zone).
  returned: always
  type: dict
  contains:
    scope:
      description: What was looked for.
      type: str
      returned: always
    database:
      description: The live database.
      type: str
      returned: always
    summary:
      description: Sentences for people.
      type: list
      elements: str
      returned: always
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    LOGIN_ARGUMENTS,
    PROGRESS_ARGUMENTS,
    RECOVERY_ARGUMENTS,
    login_options,
    progress_reporter,
    require_pymysql,
    run,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.assessment import assess


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **RECOVERY_ARGUMENTS,
            **LOGIN_ARGUMENTS,
            **PROGRESS_ARGUMENTS,
            "recovery": {"type": "str", "required": True},
            "scope": {"type": "str", "choices": ["corruption", "loss"], "required": True},
            "encryption_key": {"type": "str", "no_log": True},
            "error_log_path": {"type": "path"},
            "table_timeout_seconds": {"type": "float", "default": 10},
        },
        supports_check_mode=True,
    )
    require_pymysql(module, module.params["bench_path"])
    run(module, _assess)


def _assess(module: AnsibleModule) -> dict[str, object]:
    parameters = module.params
    log_path = parameters["error_log_path"]
    assessment = assess(
        scope=parameters["scope"],
        site_name=parameters["site"],
        bench_path=parameters["bench_path"],
        state_path=Path(parameters["state_path"]),
        recovery=parameters["recovery"],
        login=login_options(parameters),
        encryption_key=parameters["encryption_key"],
        error_log_path=Path(log_path) if log_path else None,
        table_timeout_seconds=parameters["table_timeout_seconds"],
        reporter=progress_reporter(parameters),
    )
    return {"changed": False, "assessment": assessment}


if __name__ == "__main__":
    main()
