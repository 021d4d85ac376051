#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gathers what an owner asks about a host besides its health."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_info
short_description: Gather what an owner asks about a host
version_added: 0.1.0
description:
  - Gathers in one pass the versions of all programs with the end of their support, the sizes of sites, databases and files,
    the newest backups and the last recovery of each site, the accounts of the database server and what they may do, and the
    settings that are compared between peers.
  - It only reads. It returns no secret and no row of a customer. What cannot be read is a problem with its reason, and
    hides nothing else.
  - Without an account that administers the database server, sizes of databases and other accounts than the site's own
    cannot be seen.
options:
  backup_paths:
    description:
      - Folders with backup sets besides the sites' own.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - lifeboat.frappe.attributes.read_only
  - lifeboat.frappe.benches
  - lifeboat.frappe.repository
  - lifeboat.frappe.login
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Gather what the owner asks
  lifeboat.frappe.audit_info:
  register: gathered

- name: Show what its makers mend no more
  ansible.builtin.debug:
    msg: "{{ gathered.facts.software | selectattr('end_of_life') | selectattr('end_of_life', 'lt', today) }}"
  vars:
    today: "{{ lookup('ansible.builtin.pipe', 'date +%F') }}"
"""

RETURN = r"""
facts:
  description: What was gathered.
  returned: always
  type: dict
  contains:
    system:
      description: Operating system, kernel, processor cores and memory.
      type: dict
      sample: {os: "Debian GNU/Linux 12 (bookworm)", kernel: 6.1.0-28-amd64, cores: 4, memory_bytes: 16777216000}
    software:
      description: Each program with its C(kind), C(name), C(version), C(series) and C(end_of_life) (empty if not known).
      type: list
      elements: dict
      sample: [{kind: database, name: MariaDB, version: 10.11.6, series: "10.11", end_of_life: "2028-02-16"}]
    benches:
      description: Each bench with its C(path), how many C(services) of each kind run, and its C(sites) with their sizes.
      type: list
      elements: dict
    databases:
      description: Each database server with its C(version) and its C(accounts) and what they may do.
      type: list
      elements: dict
    sizes:
      description: Each database with its C(server), C(name), C(site) and C(bytes).
      type: list
      elements: dict
    backups:
      description: For each site, its newest complete set, how many sets there are and how much they take.
      type: list
      elements: dict
    rehearsals:
      description: For each site that was ever recovered on this host, when (C(at)) and with which C(outcome).
      type: list
      elements: dict
    peers:
      description: What is compared with others of its C(kind), with its C(name), C(identity) and C(values).
      type: list
      elements: dict
    problems:
      description: What could not be read (C(part)), and the C(reason).
      type: list
      elements: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.examination import benches_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.options import read_options
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.patience import PATIENT
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._facts.gather import gather_facts
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    BENCHES_ARGUMENTS,
    LOGIN_ARGUMENTS,
    REPOSITORY_ARGUMENTS,
    prefer_libraries,
    run,
)


def gather(module: AnsibleModule) -> dict[str, Any]:
    """Return the facts of the host."""
    options = read_options(module.params)
    prefer_libraries(benches_of(options))
    surroundings = Surroundings(patience=PATIENT, settings=options.settings, state_path=options.state_path)
    return {"changed": False, "facts": gather_facts(options, surroundings)}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN_ARGUMENTS,
            **BENCHES_ARGUMENTS,
            **REPOSITORY_ARGUMENTS,
            "backup_paths": {"type": "list", "elements": "str", "default": []},
        },
        mutually_exclusive=[("bench_path", "search_paths")],
        supports_check_mode=True,
    )
    run(module, gather)


if __name__ == "__main__":
    main()
