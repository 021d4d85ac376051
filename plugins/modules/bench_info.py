#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Describes the benches of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bench_info
short_description: Describe the benches of a host
version_added: 0.1.0
description:
  - Finds the benches of a host with their sites, apps, services, Redis servers, and where the database of each site is.
  - It reads files and the list of processes. It needs neither the C(bench) command nor a running bench nor a database,
    and it returns no secret.
options:
  bench_path:
    description:
      - Describe only the bench in this folder.
    type: path
  search_paths:
    description:
      - Folders that are a bench or hold benches; shell patterns are allowed.
      - Without it, the children of C(/home), C(/opt) and C(/srv), the homes of all accounts, and the working directories
        of the running processes.
    type: list
    elements: str
  site:
    description:
      - Describe only this site, and only the benches that have it.
    type: str
extends_documentation_fragment:
  - lifeboat.frappe.attributes.read_only
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Find the benches of the host
  lifeboat.frappe.bench_info:
  register: found

- name: Show which site uses which database
  ansible.builtin.debug:
    msg: "{{ item.name }} uses {{ item.db_name }} on {{ item.db_host }}"
  loop: "{{ found.benches | map(attribute='sites') | flatten }}"
  loop_control:
    label: "{{ item.name }}"

- name: Look at one site of a bench in an unusual place
  lifeboat.frappe.bench_info:
    bench_path: /data/benches/production
    site: erp.example.com
"""

RETURN = r"""
benches:
  description: The benches, ordered by path.
  returned: always
  type: list
  elements: dict
  contains:
    path:
      description: The bench's folder.
      type: str
      sample: /home/frappe/frappe-bench
    name:
      description: The name of the folder.
      type: str
      sample: frappe-bench
    owner:
      description: The account to whom the bench belongs.
      type: str
      sample: frappe
    group:
      description: The group to which the bench belongs.
      type: str
      sample: frappe
    bench_id:
      description: The name with which the bench's queues begin.
      type: str
      sample: home-frappe-frappe-bench
    apps:
      description: The version of each app, read from its source; V(unknown) where the source does not tell.
      type: dict
      sample: {frappe: 15.55.1, erpnext: 15.50.0}
    configuration_valid:
      description: Whether C(common_site_config.json) can be read.
      type: bool
      sample: true
    problem:
      description: What is wrong with C(common_site_config.json), or nothing.
      type: str
      sample: ""
    database_overrides:
      description:
        - Environment variables of the bench's services by which Frappe 16 overrides the configured database.
        - A recovery that changes C(site_config.json) takes no effect on those services.
      type: list
      elements: str
      sample: []
    maintenance_mode:
      description: Whether the whole bench is in maintenance.
      type: bool
      sample: false
    scheduler_paused:
      description: Whether the scheduler is paused for the whole bench.
      type: bool
      sample: false
    redis:
      description: The addresses of the bench's Redis servers, without their accounts and passwords.
      type: dict
      contains:
        cache:
          description: The cache.
          type: str
          sample: redis://127.0.0.1:13000
        queue:
          description: The queue.
          type: str
          sample: redis://127.0.0.1:11000
    webserver_port:
      description: The port of the bench's web server.
      type: int
      sample: 8000
    services:
      description: The services whose programs live in the bench.
      type: list
      elements: dict
      contains:
        name:
          description: The name that its manager gives it.
          type: str
          sample: frappe-bench-web:frappe-bench-frappe-web
        manager:
          description: V(supervisor), V(systemd), V(systemd-user), or V(process) where nothing manages it.
          type: str
          sample: supervisor
        kind:
          description: V(web), V(worker), V(schedule), V(redis), V(socketio) or V(other).
          type: str
          sample: web
        state:
          description: V(running) or V(stopped).
          type: str
          sample: running
        pid:
          description: Its main process, or nothing where it does not run.
          type: int
          sample: 1234
        queues:
          description: The queues that a worker was told to serve, none where it serves all of them.
          type: list
          elements: str
          sample: []
    sites:
      description: The sites, also those with a broken configuration.
      type: list
      elements: dict
      contains:
        name:
          description: The site's name.
          type: str
          sample: erp.example.com
        path:
          description: The site's folder.
          type: str
          sample: /home/frappe/frappe-bench/sites/erp.example.com
        backups_path:
          description: Where C(bench backup) puts the site's backups.
          type: str
          sample: /home/frappe/frappe-bench/sites/erp.example.com/private/backups
        configuration_valid:
          description: Whether the site's configuration can be read and names a database.
          type: bool
          sample: true
        problem:
          description: What is wrong with the site's configuration, or nothing.
          type: str
          sample: ""
        maintenance_mode:
          description: Whether the site is in maintenance, by its own configuration or the bench's.
          type: bool
          sample: false
        scheduler_paused:
          description: Whether the site's scheduler is paused, by its own configuration or the bench's.
          type: bool
          sample: false
        db_name:
          description: The site's database; nothing where the configuration does not tell.
          type: str
          sample: _e36ee74f4521c089
        db_user:
          description: The account with which the site uses it.
          type: str
          sample: _e36ee74f4521c089
        db_host:
          description: The host of the database.
          type: str
          sample: 127.0.0.1
        db_port:
          description: The port of the database.
          type: int
          sample: 3306
        db_socket:
          description: The socket of the database, where the configuration names one.
          type: str
          sample: /run/mysqld/mysqld.sock
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.description import describe_bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import bench_at, find_benches
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.services import find_services
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import run


def describe(module: AnsibleModule) -> dict[str, Any]:
    """Return the benches that the options ask for."""
    site_name, bench_path = module.params["site"], module.params["bench_path"]
    benches = [bench_at(bench_path)] if bench_path else find_benches(module.params["search_paths"])
    described = [describe_bench(bench, find_services(bench), site_name) for bench in benches]
    return {"changed": False, "benches": [bench for bench in described if bench["sites"] or not site_name]}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "bench_path": {"type": "path"},
            "search_paths": {"type": "list", "elements": "str"},
            "site": {"type": "str"},
        },
        mutually_exclusive=[("bench_path", "search_paths")],
        supports_check_mode=True,
    )
    run(module, describe)


if __name__ == "__main__":
    main()
