#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation of the action lifeboat.frappe.audit_report, which runs where Ansible runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_report
short_description: Write the report of an audit
version_added: 0.1.0
description:
  - Writes one report of all hosts, where Ansible runs, as C(report.html), C(report.json), C(report.md), C(report.csv),
    C(junit.xml) and C(report.sarif).
  - A host that was unreachable or failed is in it as such, and lowers the coverage.
  - It says what is new, worse, better and fixed since the last report of the same folder, and where a host differs from its
    peers.
  - C(docs/audit.md) describes the report, C(docs/audit-report.schema.json) its data.
options:
  hosts:
    description:
      - By the name of each host, what M(lifeboat.frappe.audit_host) returned for it, whatever that is.
    type: dict
    required: true
  path:
    description:
      - The folder of reports. This one gets a folder of its own in it, named C(audit-) and the time.
    type: str
    required: true
  title:
    description:
      - What was audited, for people.
    type: str
    default: Frappe
  compare_with:
    description:
      - The C(report.json) to compare with. Without it, the newest in O(path).
    type: str
    default: ""
  query:
    description:
      - A JMESPath expression over the report's data. What it selects is in the report and in RV(artifact).
      - It needs the Python library jmespath where Ansible runs.
    type: str
    default: ""
extends_documentation_fragment:
  - lifeboat.frappe.attributes.controller
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Write the report of all hosts
  lifeboat.frappe.audit_report:
    hosts: "{{ results_by_host }}"
    path: /srv/reports
    query: findings[?severity=='critical' && change=='new']
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
path:
  description: The folder of this report. In check mode it was not written.
  returned: success
  type: str
  sample: /srv/reports/audit-20261121T060000Z
files:
  description: The names of the files in it.
  returned: success
  type: list
  elements: str
artifact:
  description:
    - At most 8 KiB to publish as the job's artifact. The headline, score, coverage, counts, changes, the ten worst groups of
      findings, and how many values the query selected.
  returned: success
  type: dict
lines:
  description: What RV(artifact) says of the worst findings and of hosts that did not answer, a line each.
  returned: success
  type: list
  elements: str
notes:
  description: Why nothing was compared with the last report, where one was there.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Say that the action of this name does the work: only something odd runs this on a host."""
    module = AnsibleModule(
        argument_spec={
            "hosts": {"type": "dict", "required": True},
            "path": {"type": "str", "required": True},
            "title": {"type": "str", "default": "Frappe"},
            "compare_with": {"type": "str", "default": ""},
            "query": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="Cannot write a report on a host: lifeboat.frappe.audit_report runs where Ansible runs.")


if __name__ == "__main__":
    main()
