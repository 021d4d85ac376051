#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Give cache and queue of a bench the memory policy and the persistence that each needs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_settings
short_description: Give cache and queue of a bench the memory policy and the persistence that each needs
version_added: 0.1.0
description:
  - The cache gets a limit of memory and throws away what was not used for longest. It keeps nothing on disk, as Frappe makes it anew.
  - The queue throws nothing away (C(noeviction)) and saves its jobs to disk.
  - A server of its own for the realtime server only passes messages on, so it is not looked at.
  - A limit that the cache has stays, and so does its policy where it is one for caches, and how the queue saves where it does.
  - The settings are set live (C(CONFIG SET)) and in the server's configuration file, where that is on this host. Nothing else is set,
    no server is restarted, and nothing is ever flushed.
  - What was before is remembered, and O(state=restored) puts it back.
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
options:
  state:
    description: Whether the settings are to be right, or as they were before the first change.
    type: str
    choices: [present, restored]
    default: present
  roles:
    description: Which servers are looked at.
    type: list
    elements: str
    choices: [cache, queue]
    default: [cache, queue]
  cache_bytes:
    description: The limit of the cache. Without it the present one, or else 5 % of the memory, as bench has it.
    type: int
extends_documentation_fragment:
  - lifeboat.frappe.bench
  - lifeboat.frappe.attributes
"""

EXAMPLES = r"""
- name: Set what is not right
  lifeboat.frappe.redis_settings:
    bench_path: /home/frappe/frappe-bench

- name: Give the cache a GiB
  lifeboat.frappe.redis_settings:
    bench_path: /home/frappe/frappe-bench
    roles: [cache]
    cache_bytes: 1073741824
"""

RETURN = r"""
changes:
  description: What was, or in check mode would be, set, with C(role), C(name), C(before), C(after) and C(reason).
  returned: always
  type: list
  elements: dict
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
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.redis_run import (
    RedisRequest,
    run_redis,
    run_redis_restored,
)

ROLES = ["cache", "queue"]


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what was asked for and return the module's result."""
    options = module.params
    bench = bench_at(options["bench_path"])
    prefer_libraries([bench])
    request = RedisRequest(
        bench=bench,
        state_path=Path(options["state_path"]),
        roles=tuple(options["roles"]),
        cache_bytes=options["cache_bytes"],
        check_mode=module.check_mode,
    )
    return run_redis_restored(request) if options["state"] == "restored" else run_redis(request)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **BENCH_ARGUMENTS,
            "state": {"type": "str", "choices": ["present", "restored"], "default": "present"},
            "roles": {"type": "list", "elements": "str", "choices": ROLES, "default": ROLES},
            "cache_bytes": {"type": "int"},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
