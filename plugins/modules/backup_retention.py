#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Removes backup sets that no rule keeps."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_retention
short_description: Remove backup sets that no rule keeps
version_added: 0.1.0
description:
  - Keeps, of the sets in the repository, the latest of each of the last days, weeks, months and years that have a set, by UTC.
  - The newest set of each kind and the newest O(keep_minimum) sets always stay, and so does a set that is held
    (M(lifeboat.frappe.backup_hold)). A set goes only when newer ones that stay have every kind that it has, and were verified,
    byte for byte by this module, or by a drill.
  - A set stays while a recovery that has not ended reads it, and all sets of a site stay while a drill of it runs.
  - A broken set counts for none of that. A set of a moment that has not come, as after a jump of the clock, stays and counts for
    nothing.
  - Before each removal the set, its hold and those that replace it are looked at again. A set that is removed is first renamed, so
    that what a kill leaves is no set; the chain of the site remembers that it was removed on purpose.
  - Archived binary logs that no set of any site of their server needs go as well; see O(binlogs).
  - The sets of C(bench backup) are left alone; bench removes its own.
options:
  site:
    description: The site. Without it, every site of the repository.
    type: str
  binlogs:
    description: Remove archived binary logs that are older than the oldest set that stays.
    type: bool
    default: true
  state_path:
    description: Where the collection keeps its records on the host, those of drills among them.
    type: path
    default: /var/lib/lifeboat
extends_documentation_fragment:
  - lifeboat.frappe.repository
  - lifeboat.frappe.retention
  - lifeboat.frappe.attributes
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: See what would go, and why
  lifeboat.frappe.backup_retention:
    site: erp.example.com
  check_mode: true

- name: Keep two weeks of days and a year of months, of every site
  lifeboat.frappe.backup_retention:
    keep_daily: 14
    keep_monthly: 12
"""

RETURN = r"""
sites:
  description:
    - A plan for each site, with C(site), C(kept) and C(removed) (sets with C(name), C(recovery_point), C(kinds), C(size_bytes),
      C(held), C(broken), C(in_use), C(verified) and C(reasons)), C(unfinished) (removals that a kill interrupted) and C(freed_bytes).
  returned: always
  type: list
  elements: dict
refused:
  description: Why sets that were to go stay after all, as the look right before their removal showed.
  returned: always
  type: list
  elements: str
binlogs:
  description:
    - A plan for each archive of binary logs, with C(server), C(needed_from) (the oldest log that a set needs), C(removed) (names),
      C(freed_bytes) and C(problem) (why none goes).
  returned: always
  type: list
  elements: dict
freed_bytes:
  description: What the removed sets and logs took.
  returned: always
  type: int
"""

from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository_retention import retain
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.set_readers import is_read
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    REPOSITORY_ARGUMENTS,
    RETENTION_ARGUMENTS,
    STATE_PATH,
    retention_policy,
    run,
)


def work(module: AnsibleModule) -> dict[str, Any]:
    """Plan and, unless in check mode, remove."""
    options = module.params
    repository = Repository(Path(options["repository_path"]))
    return retain(
        repository,
        [options["site"]] if options["site"] else repository.sites(),
        retention_policy(options),
        datetime.now(timezone.utc),
        state_path=Path(options["state_path"]),
        is_read=partial(is_read, Path(options["state_path"])),
        binlogs=options["binlogs"],
        dry_run=module.check_mode,
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **REPOSITORY_ARGUMENTS,
            **RETENTION_ARGUMENTS,
            "site": {"type": "str"},
            "binlogs": {"type": "bool", "default": True},
            "state_path": {"type": "path", "default": STATE_PATH},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
