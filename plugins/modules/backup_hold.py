#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Holds a backup set, so that no retention removes it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_hold
short_description: Hold a backup set, so that no retention removes it
version_added: 0.1.0
description:
  - Holds a set of the repository, or releases it. M(lifeboat.frappe.backup_retention) removes no held set, and no binary log that
    it needs.
  - The copies of the set that are off-site are held and released by the next run of M(lifeboat.frappe.backup_offsite).
options:
  site:
    description: The site.
    type: str
    required: true
  name:
    description: The name of the set, as M(lifeboat.frappe.backup_info) returns it.
    type: str
    required: true
  state:
    description: Whether the set is held.
    type: str
    choices: [held, released]
    default: held
  reason:
    description: Why it is held, for those who find it later.
    type: str
    default: ""
extends_documentation_fragment:
  - lifeboat.frappe.repository
  - lifeboat.frappe.attributes
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Keep the set from before the migration
  lifeboat.frappe.backup_hold:
    site: erp.example.com
    name: 20261121_031000-erp_example_com
    reason: Before the migration to version 16

- name: Let it go with the others again
  lifeboat.frappe.backup_hold:
    site: erp.example.com
    name: 20261121_031000-erp_example_com
    state: released
"""

RETURN = r"""
name:
  description: The name of the set.
  returned: always
  type: str
hold:
  description: C(held), C(reason), C(by) and C(at) of the hold, or of its release; V(null) when it was never held.
  returned: always
  type: dict
"""

import getpass
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.holds import plan_hold, read_holds, write_holds
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.manifest_sets import require_set
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.recovery_point import format_moment
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import REPOSITORY_ARGUMENTS, run


def work(module: AnsibleModule) -> dict[str, Any]:
    """Plan and, unless in check mode, hold or release."""
    options = module.params
    name, held = options["name"], options["state"] == "held"
    site_folder = Repository(Path(options["repository_path"])).site_folder(options["site"])
    if held:
        require_set(site_folder, name)
    holds = read_holds(site_folder)
    at = format_moment(datetime.now(timezone.utc).timestamp())
    wanted = plan_hold(holds.get(name), held, options["reason"], getpass.getuser(), at)
    changed = wanted != holds.get(name)
    if changed and wanted is not None and not module.check_mode:
        write_holds(site_folder, {**holds, name: wanted})
    before, after = ({"held": bool(hold and hold.held)} for hold in (holds.get(name), wanted))
    return {
        "changed": changed,
        "name": name,
        "hold": asdict(wanted) if wanted else None,
        "diff": {"before": before, "after": after},
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **REPOSITORY_ARGUMENTS,
            "site": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["held", "released"], "default": "held"},
            "reason": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
