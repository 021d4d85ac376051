#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells what of a site is broken first and what mends it; mends what is safe to mend."""

from __future__ import annotations

DOCUMENTATION = r"""
module: site_diagnosis
short_description: Tell what of a site is broken first, and mend what is safe to mend
version_added: 0.1.0
description:
  - Looks at a site in the order in which it comes up, which is configuration, database, Redis, apps, migrations, services, web, and
    tells what is broken first, why, and the command that mends it. Then it tells what else was seen.
  - It needs no C(bench) command, and nothing of the site has to run.
  - With O(fix=true) it mends what is safe and can be taken back, each with before and after. A service of the bench that its manager
    does not run is started. A maintenance or pause that was forgotten is ended. The site's cached keys are deleted where it answers
    with an error though all below it is right; sessions and what is yet to be inserted stay. What root left behind goes back to the
    bench's user, and others may no longer read the configuration.
  - MariaDB is never started, no password is changed, nothing is migrated or recovered. For those it tells the command.
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
options:
  site:
    description: The name of the site, as its folder in C(sites/) is called.
    type: str
    required: true
  bench_path:
    description: The folder of the bench. Without it, the one bench of the host that has the site is taken.
    type: path
  state_path:
    description: Where the collection keeps its locks, journals and records on the host.
    type: path
    default: /var/lib/lifeboat
  fix:
    description: Whether to mend what may be mended.
    type: bool
    default: false
  fixes:
    description:
      - The kinds of fixes that are wanted.
    type: list
    elements: str
    choices: [start_service, resume, clear_cache, permissions]
    default: [start_service, resume, clear_cache, permissions]
  skip:
    description:
      - The ids of checks to leave out, for what is meant to be as it is; V(F05) for a site whose scheduler is off on purpose.
    type: list
    elements: str
    default: []
  forgotten_hours:
    description:
      - For how many hours C(maintenance_mode) or C(pause_scheduler) must have been on to be taken for forgotten. One that a recovery or
        the module M(lifeboat.frappe.site_maintenance) turned on is never taken for that, nor one of the whole bench.
    type: float
    default: 12
  settle_seconds:
    description: How long what was mended may take until the site is well.
    type: float
    default: 20
  deadline_seconds:
    description:
      - How long one check may take. What does not answer by then is V(unknown). A host in trouble is slow, so it has longer than
        in M(lifeboat.frappe.health_check).
    type: float
    default: 15
extends_documentation_fragment:
  - lifeboat.frappe.login
  - lifeboat.frappe.attributes
"""

EXAMPLES = r"""
- name: Find out what is broken
  lifeboat.frappe.site_diagnosis:
    site: erp.example.com
  register: diagnosis

- name: Show it
  ansible.builtin.debug:
    msg: "{{ diagnosis.lines }}"

- name: Start what does not run, and change nothing else
  lifeboat.frappe.site_diagnosis:
    site: erp.example.com
    fix: true
    fixes: [start_service]
"""

RETURN = r"""
healthy:
  description: Whether nothing keeps the site from working, after what was mended.
  returned: always
  type: bool
stages:
  description: The state of each stage, V(ok), V(broken), V(unknown) or V(skipped), in the order in which a site comes up.
  returned: always
  type: dict
  sample: {"configuration": "ok", "database": "broken", "redis": "ok", "apps": "unknown", "migrations": "unknown", "services": "ok", "web": "broken"}
broken:
  description: What is broken first, after what was mended; empty where nothing is.
  returned: always
  type: dict
  contains:
    stage:
      description: The stage.
      type: str
      sample: database
    check:
      description: The id of the check that saw it, or empty.
      type: str
      sample: D01
    severity:
      description: V(critical) or V(warning).
      type: str
    target:
      description: What is broken.
      type: str
    item:
      description: Which of several, or empty.
      type: str
    text:
      description: What was seen.
      type: str
    command:
      description: What mends it.
      type: str
    playbook:
      description: The playbook that mends it, or empty.
      type: str
found:
  description: What was broken first before anything was mended, as RV(broken).
  returned: always
  type: dict
also_broken:
  description: What is broken besides, as RV(broken). It may follow from the first.
  returned: always
  type: list
  elements: dict
also_seen:
  description: What else was seen, which does not keep the site from working, as RV(broken).
  returned: always
  type: list
  elements: dict
plan:
  description: What may be mended.
  returned: always
  type: dict
  contains:
    steps:
      description: The fixes, in this order.
      type: list
      elements: dict
      returned: always
      sample: [{"fix": "start_service", "subject": "frappe-bench-workers:frappe-bench-frappe-short-worker-0", "before": "stopped", "after": "running"}]
fixed:
  description: What was mended, each with C(before), C(after), why, and how to take it back.
  returned: always
  type: list
  elements: dict
refused:
  description: What looks as if it could be mended and was not, with the reason.
  returned: always
  type: list
  elements: str
lines:
  description: All that in a few lines for people.
  returned: always
  type: list
  elements: str
site:
  description: The site.
  returned: always
  type: str
bench:
  description: The folder of its bench.
  returned: always
  type: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import find_bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.fixes import KINDS
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.site_run import DiagnosisRequest, run_diagnosis
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    LOGIN_ARGUMENTS,
    STATE_PATH,
    prefer_libraries,
    run,
)


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what was asked for and return the module's result."""
    parameters = module.params
    bench = find_bench(parameters["site"], parameters["bench_path"])
    prefer_libraries([bench])
    return run_diagnosis(
        DiagnosisRequest(
            site=bench.site(parameters["site"]),
            login=LoginOptions(**{name: parameters[name] for name in LOGIN_ARGUMENTS}),
            state_path=Path(parameters["state_path"]),
            fix=parameters["fix"],
            fixes=parameters["fixes"],
            skip=parameters["skip"],
            forgotten_hours=parameters["forgotten_hours"],
            settle_seconds=parameters["settle_seconds"],
            deadline_seconds=parameters["deadline_seconds"],
            check_mode=module.check_mode,
        )
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN_ARGUMENTS,
            "site": {"type": "str", "required": True},
            "bench_path": {"type": "path"},
            "state_path": {"type": "path", "default": STATE_PATH},
            "fix": {"type": "bool", "default": False},
            "fixes": {"type": "list", "elements": "str", "choices": list(KINDS), "default": list(KINDS)},
            "skip": {"type": "list", "elements": "str", "default": []},
            "forgotten_hours": {"type": "float", "default": 12},
            "settle_seconds": {"type": "float", "default": 20},
            "deadline_seconds": {"type": "float", "default": 15},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
