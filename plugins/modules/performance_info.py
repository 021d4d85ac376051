#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure a bench, and work out the smallest changes that would make it faster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: performance_info
short_description: Measure a bench, and work out the smallest changes that would make it faster
version_added: 0.1.0
description:
  - Runs the health checks that say something of speed, watches queues and workers for O(seconds), and measures web workers, Redis,
    memory and how long each site takes to answer.
  - Works out what would help, from the smallest change to the one that touches most, each with its reason in numbers. Where nothing is
    wrong it says so.
  - Nothing is changed.
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
options:
  seconds:
    description: For how long queues and workers are watched.
    type: float
    default: 5
  probe_path:
    description: What each site is asked for.
    type: str
    default: /login
  max_web_worker_bytes:
    description: What a web worker may take of the memory before a restart is advised.
    type: int
    default: 1073741824
  before:
    description: The RV(measures) of an earlier run, to be compared with these.
    type: dict
    default: {}
extends_documentation_fragment:
  - lifeboat.frappe.bench
  - lifeboat.frappe.attributes.read_only
  - lifeboat.frappe.login
"""

EXAMPLES = r"""
- name: Find out what would help
  lifeboat.frappe.performance_info:
    bench_path: /home/frappe/frappe-bench
  register: performance

- name: Show it
  ansible.builtin.debug:
    msg: "{{ performance.lines }}"
"""

RETURN = r"""
measures:
  description: The numbers, as C(available_bytes), C(web_workers), C(queue_ages), C(groups), C(redis) and C(response_seconds).
  returned: always
  type: dict
findings:
  description: The checks that found something, as M(lifeboat.frappe.health_check) returns them.
  returned: always
  type: list
  elements: dict
advice:
  description:
    - What would help, with C(action) and C(reason).
    - An action is C(redis), C(kernel), C(workers) or C(restart), which the role lifeboat.frappe.performance can do, or C(advice).
  returned: always
  type: list
  elements: dict
lines:
  description: All of that for people, with O(before) also what became of the numbers.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import bench_at
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    BENCH_ARGUMENTS,
    LOGIN_ARGUMENTS,
    prefer_libraries,
    run,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.info import InfoRequest, look_at


def work(module: AnsibleModule) -> dict[str, Any]:
    """Return what was found."""
    options = module.params
    bench = bench_at(options["bench_path"])
    prefer_libraries([bench])
    request = InfoRequest(
        bench=bench,
        state_path=Path(options["state_path"]),
        login=LoginOptions(**{name: options[name] for name in LOGIN_ARGUMENTS}),
        seconds=options["seconds"],
        probe_path=options["probe_path"],
        most_web_worker_bytes=options["max_web_worker_bytes"],
        before=options["before"],
    )
    return look_at(request)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN_ARGUMENTS,
            **BENCH_ARGUMENTS,
            "seconds": {"type": "float", "default": 5},
            "probe_path": {"type": "str", "default": "/login"},
            "max_web_worker_bytes": {"type": "int", "default": 1024**3},
            "before": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
