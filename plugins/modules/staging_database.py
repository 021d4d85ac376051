#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stages a site's database beside the live one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: staging_database
short_description: Stage a site's database from a backup set beside the live one
version_added: 0.1.0
description:
  - Loads the dump of the set that O(recovery) was begun with into a new database with an account of its own, and proves it; the live
    database is not touched.
  - The dump never goes through a client program. It is read as a stream, each statement must be of a form that a dump of a site holds,
    and it is loaded by an account that reaches the staging database alone.
  - Rows go over several connections unchanged. In definitions, the definer becomes the staging account, and keys that are not unique
    are built when the rows of their table are in.
  - The proof compares the rows of each table with those counted in the dump, looks for the completion line and for the tables of a
    site, and checks that the encryption key that the site will have opens a stored secret.
  - When anything fails, the staging database and its account are dropped.
options:
  state:
    description:
      - V(present) loads and proves the database; V(absent) drops it. After a promotion has begun, V(absent) is refused.
    type: str
    choices: [present, absent]
    default: present
  recovery:
    required: true
  database_artifact:
    description:
      - A dump to load in place of the one of the set.
    type: path
  encryption_key:
    description:
      - The passphrase of an encrypted dump.
      - Without it, the C(backup_encryption_key) of the set's own configuration, else that of the live site.
    type: str
  connections:
    description:
      - How many connections load at once.
      - Without it, one for each core of the host, and eight at most.
    type: int
  binary_log:
    description:
      - V(logged) writes the load to the server's binary log, so replicas get it.
      - V(skipped) keeps it out, which needs the privilege C(BINLOG ADMIN). Replicas must then be seeded again, and a recovery to a
        point in time needs a new base; RV(plan) says so.
    type: str
    choices: [logged, skipped]
    default: logged
  reserve_bytes:
    description:
      - Bytes that must stay free where the server keeps its data; the load is given up before they are used. Watched where the server
        runs on the same host.
    type: int
    default: 1073741824
  drain_timeout_seconds:
    description:
      - How long running jobs of the site may take to end when it is closed, which a recovery to the latest moment does before it reads
        the end of the log.
    type: float
    default: 30
extends_documentation_fragment:
  - lifeboat.frappe.site
  - lifeboat.frappe.login
  - lifeboat.frappe.repository
  - lifeboat.frappe.progress
  - lifeboat.frappe.attributes
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Stage the database of a recovery
  lifeboat.frappe.staging_database:
    site: erp.example.com
    recovery: "{{ begun.recovery }}"
  register: staged

- name: Keep the load out of the binary log
  lifeboat.frappe.staging_database:
    site: erp.example.com
    recovery: "{{ begun.recovery }}"
    binary_log: skipped

- name: Drop a staging database
  lifeboat.frappe.staging_database:
    site: erp.example.com
    recovery: "{{ begun.recovery }}"
    state: absent
"""

RETURN = r"""
plan:
  description: What was, or in check mode would be, done.
  returned: always
  type: dict
  contains:
    loads:
      description: The dump that is loaded; empty when nothing is.
      type: str
    artifact_bytes:
      description: Its size.
      type: int
    drops:
      description: A staging database that is dropped; empty when there is none.
      type: str
    connections:
      description: How many connections load.
      type: int
    binary_log:
      description: Whether the binary log gets the load.
      type: str
    warnings:
      description: What the load means for replicas.
      type: list
      elements: str
database:
  description: The name of the staging database; empty when none is staged.
  returned: always
  type: str
  sample: _9f3a0c51d2e4b786
tables:
  description: The number of its tables.
  returned: always
  type: int
rows:
  description: The number of their rows.
  returned: always
  type: int
bytes:
  description: The length of the SQL that was loaded.
  returned: always
  type: int
proof:
  description: What was proven; empty when nothing is staged.
  returned: always
  type: dict
  contains:
    completion_line:
      description: Whether the dump ends with the line that only a whole dump has.
      type: bool
    tables:
      description: Tables that were read to their end.
      type: int
    rows:
      description: Rows that were counted in them.
      type: int
    rows_equal_to_dump:
      description: Whether each table has as many rows as the dump.
      type: bool
    sequences:
      description: Sequences.
      type: int
    views:
      description: Views.
      type: int
    triggers:
      description: Triggers.
      type: int
    installed_applications:
      description: Applications that the database lists as installed.
      type: int
    stored_secret:
      description: V(opens), or why no stored secret could be opened with the site's key.
      type: str
steps:
  description: The steps that were done, with C(name) and C(seconds).
  returned: always
  type: list
  elements: dict
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import find_bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    LOGIN_ARGUMENTS,
    PROGRESS_ARGUMENTS,
    REPOSITORY_ARGUMENTS,
    SITE_ARGUMENTS,
    login_options,
    progress_reporter,
    require_pymysql,
    run,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.staging_database import (
    DatabaseRequest,
    bring_to_state,
)


def work(module: AnsibleModule) -> dict[str, Any]:
    """Bring the staging database to the wanted state."""
    options = module.params
    state_path = Path(options["state_path"])
    artifact = options["database_artifact"]
    request = DatabaseRequest(
        site=find_bench(options["site"], options["bench_path"]).site(options["site"]),
        state_path=state_path,
        journal=Journal.open(state_path, options["site"], options["recovery"]),
        login=login_options(options),
        encryption_key=options["encryption_key"],
        connections=options["connections"],
        binary_log=options["binary_log"],
        artifact=Path(artifact) if artifact else None,
        reserve_bytes=options["reserve_bytes"],
        repository_path=Path(options["repository_path"]),
        drain_timeout_seconds=options["drain_timeout_seconds"],
    )
    return bring_to_state(request, options["state"] == "present", module.check_mode, progress_reporter(options))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **SITE_ARGUMENTS,
            **LOGIN_ARGUMENTS,
            **PROGRESS_ARGUMENTS,
            **REPOSITORY_ARGUMENTS,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "recovery": {"type": "str", "required": True},
            "database_artifact": {"type": "path"},
            "encryption_key": {"type": "str", "no_log": True},
            "connections": {"type": "int"},
            "binary_log": {"type": "str", "choices": ["logged", "skipped"], "default": "logged"},
            "reserve_bytes": {"type": "int", "default": 1024**3},
            "drain_timeout_seconds": {"type": "float", "default": 30},
        },
        supports_check_mode=True,
    )
    require_pymysql(module, module.params["bench_path"])
    run(module, work)


if __name__ == "__main__":
    main()
