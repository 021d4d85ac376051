#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restart the web server and the workers of a bench one by one, without a failed request or a lost job."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rolling_restart
short_description: Restart the web server and the workers of a bench one by one, without a failed request or a lost job
version_added: 0.1.0
description:
  - Starts gunicorn, the scheduler and the workers of RQ anew, one process at a time, each proven before the next.
  - Before anything is touched, a second web server with the present code is started on a port of its own. Where it does not serve
    every site as the running one does, nothing is restarted.
  - A gunicorn that does not preload the application, or whose code is the present one, is reloaded (SIGHUP). One with C(--preload),
    as C(bench setup) writes it, needs a new master for new code. Where supervisor or systemd manages it, the nginx of the host sends
    the requests to the second web server while it is restarted. Where nothing manages it, the new master takes its sockets over
    (SIGUSR2).
  - A worker finishes its job before it ends, however long the manager would have waited, and its successor has to be there before
    the next worker's turn. One that waits is ended at a moment at which Redis has given it no job.
  - The realtime server (socketio) and Redis are not restarted.
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
options:
  state:
    description: What is wanted.
    type: str
    choices: [restarted]
    default: restarted
  services:
    description: What is restarted.
    type: list
    elements: str
    choices: [web, workers, scheduler]
    default: [web, workers, scheduler]
  when:
    description:
      - V(always) restarts whatever it finds. V(needed) restarts only what was started before its code was changed, and web workers
        that take more memory than O(max_web_worker_bytes).
    type: str
    choices: [always, needed]
    default: always
  max_web_worker_bytes:
    description: What a web worker may take of the memory, its share of shared pages included.
    type: int
    default: 1073741824
  probe_path:
    description: What each site is asked for, to tell whether it is served.
    type: str
    default: /login
  timeout_seconds:
    description: How long one web server, and the job of one worker, are waited for. A worker whose job takes longer is named in RV(busy).
    type: float
    default: 300
  drain_seconds:
    description: How long connections of before are waited for.
    type: float
    default: 30
extends_documentation_fragment:
  - lifeboat.frappe.bench
  - lifeboat.frappe.attributes
"""

EXAMPLES = r"""
- name: Load new code without a failed request or a lost job
  lifeboat.frappe.rolling_restart:
    bench_path: /home/frappe/frappe-bench

- name: Restart web workers that take more than 700 MiB, and what runs old code
  lifeboat.frappe.rolling_restart:
    bench_path: /home/frappe/frappe-bench
    when: needed
    max_web_worker_bytes: 734003200
"""

RETURN = r"""
steps:
  description: What was, or in check mode would be, restarted, in this order, with C(kind), C(subject), C(pid), C(way) and C(reason).
  returned: always
  type: list
  elements: dict
busy:
  description: Workers that still finish their job. They are started anew after it.
  returned: always
  type: list
  elements: str
lines:
  description: All of that for people.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import bench_at
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import BENCH_ARGUMENTS, prefer_libraries, run
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.rolling_plan import RestartWish
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.rolling_run import (
    RollingRequest,
    run_rolling_restart,
)

SERVICES = ["web", "workers", "scheduler"]


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what was asked for and return the module's result."""
    options = module.params
    bench = bench_at(options["bench_path"])
    prefer_libraries([bench])
    request = RollingRequest(
        bench=bench,
        state_path=Path(options["state_path"]),
        wish=RestartWish(tuple(options["services"]), options["when"], options["max_web_worker_bytes"]),
        probe_path=options["probe_path"],
        timeout_seconds=options["timeout_seconds"],
        drain_seconds=options["drain_seconds"],
    )
    return run_rolling_restart(request, module.check_mode)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **BENCH_ARGUMENTS,
            "state": {"type": "str", "choices": ["restarted"], "default": "restarted"},
            "services": {"type": "list", "elements": "str", "choices": SERVICES, "default": SERVICES},
            "when": {"type": "str", "choices": ["always", "needed"], "default": "always"},
            "max_web_worker_bytes": {"type": "int", "default": 1024**3},
            "probe_path": {"type": "str", "default": "/login"},
            "timeout_seconds": {"type": "float", "default": 300},
            "drain_seconds": {"type": "float", "default": 30},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
