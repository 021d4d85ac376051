#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stages a site's database beside the live one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: staging_database
short_description: Stage a site's database from a backup set beside the live one
version_added: 0.1.0
description:
  - Loads the set that O(recovery) was begun with into a new database with an account of its own, and proves it; the live database is
    not touched.
  - A set that holds its tables as files is imported, several tables at once. The size of every file is compared before anything is
    created, and no file becomes a table before its SHA-256 was compared as well. Where nobody imported these files before, a private
    server without a network does so first and reads all of every table, since a wrong file can kill the server that imports it. The
    server may be killed at any moment of an import and starts again.
  - Tables are imported where the server is of the version (10.11, say) and has the page size that they come from, its data directory is
    on this host and this account may write there, and no replica follows, unless it is to be left out by O(binary_log=skipped). Else
    the dump of the same set is loaded, and RV(plan) says why; a set without one is refused.
  - The dump never goes through a client program. It is read as a stream, each statement must be of a form that a dump of a site holds,
    and it is loaded by an account that reaches the staging database alone.
  - Rows go over several connections unchanged. In definitions, the definer becomes the staging account, and keys that are not unique
    are built when the rows of their table are in.
  - The proof compares the rows of each table with those counted in the dump, or with those that the manifest names, looks for the
    completion line and for the tables of a site, and checks that the encryption key that the site will have opens a stored secret.
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
      - What opens an encrypted set; the passphrase, or for age the text of an identity.
      - Without it, the C(backup_encryption_key) of the set's own configuration, else that of the live site.
    type: str
  connections:
    description:
      - How many connections load at once.
      - Without it, one for each core of the host, two for each core to import files, and eight at most.
    type: int
  binary_log:
    description:
      - V(logged) writes the load of a dump to the server's binary log, so replicas get it. An import is never in it, since neither a
        replica nor a replay of the log has the files; RV(plan) says so.
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
  - lifeboat.frappe.recovery
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

- name: Import a set of tables as files although replicas follow, which are seeded again afterwards
  lifeboat.frappe.staging_database:
    site: erp.example.com
    recovery: "{{ begun.recovery }}"
    binary_log: skipped
    connections: 8

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
      description: The dump, or the folder of the set, that is loaded; empty when nothing is.
      type: str
    artifact_bytes:
      description: Its size.
      type: int
    load:
      description: The C(kind) of the load, V(logical) or V(physical), and the C(reason) for it; null when nothing is loaded.
      type: dict
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
  description: The length of the SQL, or the size of the files, that were loaded.
  returned: always
  type: int
proof:
  description: What was proven; empty when nothing is staged.
  returned: always
  type: dict
  contains:
    completion_line:
      description: Whether it was a dump that ends with the line that only a whole dump has.
      type: bool
    hashed_files:
      description: Files of tables whose SHA-256 was compared.
      type: int
    tables:
      description: Tables that were read to their end.
      type: int
    rows:
      description: Rows that were counted in them.
      type: int
    rows_equal_to_dump:
      description: Whether each table has as many rows as the dump.
      type: bool
    rows_equal_to_manifest:
      description: Whether each table has as many rows as the set's manifest says.
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
    RECOVERY_ARGUMENTS,
    REPOSITORY_ARGUMENTS,
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
            **RECOVERY_ARGUMENTS,
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
