#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks the health of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: health_check
short_description: Check the health of a host, its database, queues, sites and backups
version_added: 0.1.0
description:
  - Runs every check of the collection that applies to the host, side by side, and judges what it measured by thresholds.
  - It only reads. It needs no C(bench) command. Nothing can hang it, because each check has a deadline, and so has the whole.
  - What cannot be known is V(unknown) with the reason, never V(ok). What the host does not have is V(skipped).
  - Rates come from two samples, or from the last run where it left a history, never from the server's start.
  - Where PyMySQL or redis is missing and a bench of the host has it, the module runs under that bench's Python. Where none
    has it, the checks that need it are V(unknown).
  - Without O(login_user), each server is asked with the accounts that the benches and sites have. O(connect_timeout) has no
    effect; how long connecting may take follows from O(deadline_seconds).
  - C(docs/checks.md) lists the checks with their ids, thresholds and remedies.
options:
  subjects:
    description:
      - Check only these subjects. Without it, all.
    type: list
    elements: str
    choices: [host, mariadb, redis, queue, site, backup, web, security]
  checks:
    description:
      - Run only the checks with these ids.
    type: list
    elements: str
  skip:
    description:
      - Leave the checks with these ids out.
    type: list
    elements: str
  thresholds:
    description:
      - Other thresholds than the checks' own. The keys are ids of checks, the values have C(warning) and C(critical).
      - A threshold is a range in the syntax of the Monitoring Plugins. V(10) is right from 0 to 10, V(10:) from 10 up, V(~:10)
        up to 10, V(@10:20) outside of 10 to 20. An empty text switches a threshold off.
    type: dict
  accepted:
    description:
      - Findings that somebody decided to live with. They are returned, marked, and count neither in the severities nor in
        the score.
      - An acceptance that has expired is a finding itself, and what it covered counts again.
    type: list
    elements: dict
    suboptions:
      id:
        description: The check's id.
        type: str
        required: true
      reason:
        description: Why it is accepted.
        type: str
        required: true
      owner:
        description: Who decided it.
        type: str
        required: true
      expires:
        description: The last day on which it is accepted, as V(2027-01-31).
        type: str
        required: true
      target:
        description: The site, server or bench that it is about. Without it, all.
        type: str
  sample_seconds:
    description:
      - The time between the two samples from which rates come. V(0) compares with the last run alone.
    type: float
    default: 1
  deadline_seconds:
    description:
      - How long one check may take on one target.
      - The programs, statements and connections that it waits for are given up a little earlier, so that it can say so.
    type: float
    default: 3
  timeout_seconds:
    description:
      - How long all checks together may take.
    type: float
    default: 60
  keep_history:
    description:
      - Remember the run in O(state_path), so that growth, the time until a disk is full, and regressions can be told.
      - In check mode, nothing is written.
    type: bool
    default: false
  textfile_path:
    description:
      - Write the metrics of the run to this file, for the textfile collector of the node_exporter. Its folder must exist.
    type: path
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
extends_documentation_fragment:
  - lifeboat.frappe.attributes.read_only
  - lifeboat.frappe.benches
  - lifeboat.frappe.health_settings
  - lifeboat.frappe.login
"""

EXAMPLES = r"""
- name: Check everything
  lifeboat.frappe.health_check:
  register: health

- name: Show the worst
  ansible.builtin.debug:
    msg: "{{ health.summary.worst }}"

- name: Check the disks and the backups, with a stricter threshold and an accepted finding
  lifeboat.frappe.health_check:
    subjects: [host, backup]
    thresholds:
      H01:
        warning: "20:"
    accepted:
      - id: B04
        reason: The second data centre opens in spring
        owner: ops@example.com
        expires: "2027-03-31"
"""

RETURN = r"""
findings:
  description: One for each check and each thing that it looked at, ordered by the checks' ids.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The check's id.
      type: str
      sample: H01
    name:
      description: The check's name.
      type: str
      sample: disk.available
    title:
      description: What it is about.
      type: str
    subject:
      description: The subject.
      type: str
      sample: host
    target:
      description: What was looked at, for instance a site.
      type: str
      sample: host
    item:
      description: Which of several, for instance a mount point.
      type: str
      sample: /
    severity:
      description: V(ok), V(warning), V(critical), V(unknown) or V(skipped).
      type: str
      sample: warning
    value:
      description: What was measured, in C(unit); nothing where there is no number.
      type: float
      sample: 12.4
    unit:
      description: V(percent), V(seconds), V(bytes), V(count), V(per_second), V(ratio), or V(bool), where 1 is wrong.
      type: str
      sample: percent
    warning:
      description: The range outside of which it is a warning.
      type: str
      sample: "15:"
    critical:
      description: The range outside of which it is critical.
      type: str
      sample: "10:"
    text:
      description: What was seen, in a sentence.
      type: str
    evidence:
      description: Further lines.
      type: list
      elements: str
    impact:
      description: What it costs, V(info), V(low), V(medium), V(high) or V(critical).
      type: str
      sample: critical
    remediation:
      description: What to do.
      type: str
    playbook:
      description: The playbook that mends it, where there is one.
      type: str
    accepted:
      description: The acceptance that covers it, or nothing.
      type: dict
summary:
  description: What the run comes to.
  returned: always
  type: dict
  contains:
    counts:
      description: The number of findings by severity, and of those that are accepted.
      type: dict
      sample: {critical: 1, warning: 2, unknown: 0, ok: 80, skipped: 9, accepted: 1}
    score:
      description: 0 to 100.
      type: int
      sample: 87
    coverage:
      description: How much of what applies to the host could be judged, in percent.
      type: float
      sample: 98.8
    worst:
      description: The ten worst findings, shortened.
      type: list
      elements: dict
nagios:
  description: The run for Nagios.
  returned: always
  type: dict
  contains:
    line:
      description: One line with performance data.
      type: str
    exit_code:
      description: 0 is ok, 1 warning, 2 critical, 3 unknown.
      type: int
benches:
  description: The benches that were looked at.
  returned: always
  type: list
  elements: str
  sample: [/home/frappe/frappe-bench]
notes:
  description: What could not be looked at or written, in sentences.
  returned: always
  type: list
  elements: str
  sample: []
seconds:
  description: How long it took.
  returned: always
  type: float
  sample: 1.4
"""

from dataclasses import fields
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.examination import benches_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.options import read_options
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import SUBJECTS
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Settings, Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    BENCHES_ARGUMENTS,
    LOGIN_ARGUMENTS,
    prefer_libraries,
    run,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._reports.health import check_health

STRINGS = {"type": "list", "elements": "str"}
# How a module takes the types of ``Settings``.
ARGUMENTS = {
    "bool": {"type": "bool"},
    "float": {"type": "float"},
    "int": {"type": "int"},
    "str": {"type": "str"},
    "tuple[int, ...]": {"type": "list", "elements": "int"},
    "tuple[str, ...]": STRINGS,
}


def settings_arguments() -> dict[str, Any]:
    """Return an argument for each field of ``Settings``, none of which is a secret."""
    return {
        each.name: {
            **ARGUMENTS[str(each.type)],
            "default": list(each.default) if isinstance(each.default, tuple) else each.default,
            "no_log": False,
        }
        for each in fields(Settings)
    }


def check(module: AnsibleModule) -> dict[str, Any]:
    """Return what the checks found."""
    options = read_options(module.params)
    prefer_libraries(benches_of(options))
    return {"changed": False, **check_health(options, Surroundings(), may_write=not module.check_mode)}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN_ARGUMENTS,
            **settings_arguments(),
            **BENCHES_ARGUMENTS,
            "subjects": {**STRINGS, "choices": list(SUBJECTS)},
            "checks": STRINGS,
            "skip": STRINGS,
            "thresholds": {"type": "dict"},
            "accepted": {
                "type": "list",
                "elements": "dict",
                "options": {
                    **{name: {"type": "str", "required": True} for name in ("id", "reason", "owner", "expires")},
                    "target": {"type": "str"},
                },
            },
            "sample_seconds": {"type": "float", "default": 1},
            "deadline_seconds": {"type": "float", "default": 3},
            "timeout_seconds": {"type": "float", "default": 60},
            "keep_history": {"type": "bool", "default": False},
            "textfile_path": {"type": "path"},
        },
        mutually_exclusive=[("bench_path", "search_paths")],
        supports_check_mode=True,
    )
    run(module, check)


if __name__ == "__main__":
    main()
