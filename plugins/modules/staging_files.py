#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stages a site's files beside the live ones."""

from __future__ import annotations

DOCUMENTATION = r"""
module: staging_files
short_description: Stage a site's files from a backup set beside the live ones
version_added: 0.1.0
description:
  - Extracts the archives of public and private files of the set that O(recovery) was begun with to
    C(<site>/.lifeboat/<recovery>), and proves them; the live files are not touched.
  - Nothing in an archive is trusted; links, devices, paths out of the tree, a path twice and bombs are refused, and the owner and
    the modes are those of files of a site.
  - The proof compares the number of files and bytes with the archives, and each file that the staging database lists with the
    size and the checksum that it lists. Damaged files are refused; files that the archives lack are reported.
  - When anything fails, what was extracted is removed. A set without an archive leaves the live files of that kind as they are.
options:
  state:
    description:
      - V(present) stages and proves the files; V(absent) removes staged files. After a promotion the folder holds what was replaced,
        and V(absent) is refused.
    type: str
    choices: [present, absent]
    default: present
  recovery:
    required: true
  encryption_key:
    description:
      - The passphrase of encrypted archives.
      - Without it, the C(backup_encryption_key) of the set's own configuration, else that of the live site.
    type: str
  accept_damaged_files:
    description:
      - Go on although files differ from the size and checksum that the database lists. They are reported as not recovered.
    type: bool
    default: false
  reserve_bytes:
    description:
      - Bytes that must stay free on the file system of the sites.
    type: int
    default: 1073741824
  member_limit:
    description:
      - Files and folders above which an archive counts as a bomb and is refused.
    type: int
    default: 1000000
extends_documentation_fragment:
  - lifeboat.frappe.site
  - lifeboat.frappe.recovery
  - lifeboat.frappe.login
  - lifeboat.frappe.progress
  - lifeboat.frappe.attributes
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Stage the files of a recovery
  lifeboat.frappe.staging_files:
    site: erp.example.com
    recovery: "{{ begun.recovery }}"
  register: staged

- name: Take them although some are damaged
  lifeboat.frappe.staging_files:
    site: erp.example.com
    recovery: "{{ begun.recovery }}"
    accept_damaged_files: true

- name: Remove staged files
  lifeboat.frappe.staging_files:
    site: erp.example.com
    recovery: "{{ begun.recovery }}"
    state: absent
"""

RETURN = r"""
plan:
  description: What was, or in check mode would be, done; C(keeps_live) names the kinds that the set does not have.
  returned: always
  type: dict
  sample: {"extracts": [], "removes": false, "keeps_live": []}
files:
  description: The number of staged files.
  returned: always
  type: int
bytes:
  description: Their size.
  returned: always
  type: int
proof:
  description: What was compared and found; empty when nothing is staged.
  returned: always
  type: dict
  contains:
    archives:
      description: Kind of archive to its number of files and their bytes.
      type: dict
    listed:
      description: Local files that the database lists, of the kinds that the set has.
      type: int
    matched:
      description: Those with the right checksum, or the right size where the database has no checksum.
      type: int
    unchecked:
      description: Those of which the database knows neither.
      type: int
    outdated:
      description: Those that differ from the database, and are the same as the live file.
      type: int
    missing:
      description: Those that the archives do not hold.
      type: int
    missing_names:
      description: The first 20 of them.
      type: list
      elements: str
    damaged:
      description: Those that differ from the database.
      type: int
    damaged_names:
      description: The first 10 of them.
      type: list
      elements: str
    not_recovered:
      description: Sentences about what a promotion would not bring back.
      type: list
      elements: str
steps:
  description: The steps that were done, with C(name) and C(seconds).
  returned: always
  type: list
  elements: dict
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.archives import MEMBER_LIMIT
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import find_bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    LOGIN_ARGUMENTS,
    PROGRESS_ARGUMENTS,
    RECOVERY_ARGUMENTS,
    login_options,
    progress_reporter,
    require_pymysql,
    run,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.staging_files import (
    FilesRequest,
    bring_to_state,
)


def work(module: AnsibleModule) -> dict[str, Any]:
    """Bring the staged files to the wanted state."""
    options = module.params
    state_path = Path(options["state_path"])
    request = FilesRequest(
        site=find_bench(options["site"], options["bench_path"]).site(options["site"]),
        state_path=state_path,
        journal=Journal.open(state_path, options["site"], options["recovery"]),
        login=login_options(options),
        encryption_key=options["encryption_key"],
        accept_damaged_files=options["accept_damaged_files"],
        reserve_bytes=options["reserve_bytes"],
        member_limit=options["member_limit"],
    )
    return bring_to_state(request, options["state"] == "present", module.check_mode, progress_reporter(options))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **RECOVERY_ARGUMENTS,
            **LOGIN_ARGUMENTS,
            **PROGRESS_ARGUMENTS,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "recovery": {"type": "str", "required": True},
            "encryption_key": {"type": "str", "no_log": True},
            "accept_damaged_files": {"type": "bool", "default": False},
            "reserve_bytes": {"type": "int", "default": 1024**3},
            "member_limit": {"type": "int", "default": MEMBER_LIMIT},
        },
        supports_check_mode=True,
    )
    require_pymysql(module, module.params["bench_path"])
    run(module, work)


if __name__ == "__main__":
    main()
