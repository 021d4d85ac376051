#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation of the action lifeboat.frappe.audit_host, which runs where Ansible runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_host
short_description: Ask a host everything that an audit asks
version_added: 0.1.0
description:
  - Runs M(lifeboat.frappe.health_check) and M(lifeboat.frappe.audit_info) on the host, and keeps what they return in a
    private file where Ansible runs, from which M(lifeboat.frappe.audit_report) writes the report of the fleet.
  - The file is gone when the run of Ansible ends. What a host answers is never in Ansible's own memory, so that a fleet of
    a thousand hosts fits.
  - A host of which the checks could be run but not the facts has answered; the report says what is missing.
options:
  health_check:
    description:
      - Options of M(lifeboat.frappe.health_check).
    type: dict
    default: {}
  audit_info:
    description:
      - Options of M(lifeboat.frappe.audit_info).
    type: dict
    default: {}
notes:
  - The role P(lifeboat.frappe.audit#role) uses it. It is a step of a run, hence it cannot be run by itself.
extends_documentation_fragment:
  - lifeboat.frappe.attributes.read_only
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Ask the host what an audit asks
  lifeboat.frappe.audit_host:
    health_check:
      subjects: [host, backup]
  register: asked
  ignore_errors: true
  ignore_unreachable: true
"""

RETURN = r"""
document:
  description: The file with the answer, where Ansible runs.
  returned: when the host answered
  type: str
summary:
  description: The counts, the score and the coverage of the host.
  returned: when the host answered
  type: dict
  sample: {counts: {critical: 1, warning: 2, unknown: 0, ok: 80, skipped: 9, accepted: 1}, score: 87, coverage: 100.0}
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Say that the action of this name does the work: only something odd runs this on a host."""
    options = {"type": "dict", "default": {}}
    module = AnsibleModule(
        argument_spec={"health_check": options, "audit_info": options},
        supports_check_mode=True,
    )
    module.fail_json(msg="Cannot audit from a host: lifeboat.frappe.audit_host runs where Ansible runs.")


if __name__ == "__main__":
    main()
