#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Propose how many web and queue workers a bench should have, and set them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: worker_counts
short_description: Propose how many web and queue workers a bench should have, and set them
version_added: 0.1.0
description:
  - Watches a bench for O(seconds), and proposes C(gunicorn_workers) and C(background_workers) with the numbers behind them.
  - "Web: C(2 x cores + 1) while connections wait for a worker, else as they are."
  - "Queues: C(workers x busy share / 0.7) of the busiest group, and one more where a job waits longer than its queue allows."
  - Never more than C((available - 10 % of the memory) / memory of a worker) come on top. Where less than that tenth is available, some
    workers go.
  - With O(apply=true) the numbers are set in C(common_site_config.json), from which C(bench setup) writes the services, and in
    supervisor's configuration of the bench or the files of its systemd units. gunicorn follows at once (SIGTTIN, SIGTTOU).
  - supervisor starts the group of the queue's workers anew, after the jobs that they run.
  - systemd starts the instances of the workers' templates that come, C(frappe-bench-frappe-short-worker@2.service). Those that go end
    after the job that they run; one whose job takes longer than half an hour is named in RV(lines), and ends after it by itself. What is
    stopped as a whole is neither known to systemd nor started, and RV(lines) say so.
  - Units of systemd that are not as C(bench setup systemd) writes them, as those of an account (C(systemctl --user)), are named in
    RV(lines) and stay as they are.
  - What was before is remembered, and O(state=restored) puts it back.
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
options:
  state:
    description: Whether numbers are proposed, and set with O(apply=true), or those before the first change put back.
    type: str
    choices: [present, restored]
    default: present
  apply:
    description: Whether to set the numbers, rather than to propose them only.
    type: bool
    default: false
  gunicorn_workers:
    description:
      - How many web workers to have, at least 1, instead of the proposed number. It is refused where the memory does not take them.
    type: int
  background_workers:
    description:
      - How many workers each group of queues is to have, at least 1, instead of the proposed number. It is refused likewise.
    type: int
  seconds:
    description: For how long the bench is watched.
    type: float
    default: 10
  probe_path:
    description: What each site is asked for meanwhile.
    type: str
    default: /login
extends_documentation_fragment:
  - lifeboat.frappe.bench
  - lifeboat.frappe.attributes
"""

EXAMPLES = r"""
- name: Propose
  lifeboat.frappe.worker_counts:
    bench_path: /home/frappe/frappe-bench
    seconds: 60

- name: Set four web workers, and as many queue workers as proposed
  lifeboat.frappe.worker_counts:
    bench_path: /home/frappe/frappe-bench
    gunicorn_workers: 4
    apply: true

- name: Back to how it was
  lifeboat.frappe.worker_counts:
    bench_path: /home/frappe/frappe-bench
    state: restored
    apply: true
"""

RETURN = r"""
proposals:
  description: For each kind of worker C(key), C(present), C(proposed) and C(reason). None with O(state=restored).
  returned: always
  type: list
  elements: dict
lines:
  description: The proposals, and what was or would be done, for people.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import bench_at
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import BENCH_ARGUMENTS, prefer_libraries, run
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.count_plan import QUEUE_KEY, WEB_KEY
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.count_run import (
    CountRequest,
    run_counts,
    run_counts_restored,
)


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what was asked for and return the module's result."""
    options = module.params
    bench = bench_at(options["bench_path"])
    prefer_libraries([bench])
    request = CountRequest(
        bench=bench,
        state_path=Path(options["state_path"]),
        wanted={key: options[key] for key in (WEB_KEY, QUEUE_KEY)},
        seconds=options["seconds"],
        probe_path=options["probe_path"],
        apply=options["apply"],
        check_mode=module.check_mode,
    )
    return run_counts_restored(request) if options["state"] == "restored" else run_counts(request)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **BENCH_ARGUMENTS,
            "state": {"type": "str", "choices": ["present", "restored"], "default": "present"},
            "apply": {"type": "bool", "default": False},
            "gunicorn_workers": {"type": "int"},
            "background_workers": {"type": "int"},
            "seconds": {"type": "float", "default": 10},
            "probe_path": {"type": "str", "default": "/login"},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
