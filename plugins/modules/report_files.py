#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the files of a report on a host; the action of the same name writes them where Ansible runs before."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report_files
short_description: Write the files of a report
version_added: 0.1.0
description:
  - Writes the same files where Ansible runs and, if wanted, on the host. A file that is there already stays untouched.
options:
  path:
    description:
      - The folder where Ansible runs. Folders that are missing are made, and only their owner and group may enter them.
      - A relative path begins at the folder in which Ansible was started.
    type: str
    required: true
  host_path:
    description:
      - The folder on the host, of which others than its owner may read nothing. Empty for none.
    type: str
    default: ""
  files:
    description:
      - By the name of each file, its text. What is no text is written as JSON.
    type: dict
    required: true
extends_documentation_fragment:
  - lifeboat.frappe.attributes
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Write a report
  lifeboat.frappe.report_files:
    path: lifeboat-reports/erp.example.com
    host_path: /var/lib/lifeboat/erp.example.com
    files:
      report.html: "{{ lookup('ansible.builtin.template', 'report.html.j2') }}"
      report.json: "{{ ended.record }}"
"""

RETURN = r"""
path:
  description: The folder where Ansible runs.
  returned: success
  type: str
  sample: /srv/lifeboat-reports/erp.example.com
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import run
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.text_files import write_texts

FILE_MODE = 0o600
FOLDER_MODE = 0o700


def work(module: AnsibleModule) -> dict[str, Any]:
    """Write what is not there yet, unless in check mode."""
    options = module.params
    differences = write_texts(
        Path(options["host_path"]),
        options["files"],
        mode=FILE_MODE,
        folder_mode=FOLDER_MODE,
        writes=not module.check_mode,
    )
    return {"changed": bool(differences), "path": options["path"], "diff": differences if module._diff else []}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "str", "required": True},
            "host_path": {"type": "str", "default": ""},
            "files": {"type": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
