#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Digests slow statements, and says which index they lack."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slow_query_info
short_description: Digest slow statements, and say which index they lack
version_added: 0.1.0
description:
  - Groups the statements of MariaDB's slow query log, or of performance_schema, by fingerprint (the statement without its values),
    ranks them by the time that they took, and compares them with the last digest.
  - For the worst ones that are a plain SELECT, the server is asked for the plan with C(EXPLAIN FORMAT=JSON), in a transaction that
    can only read, within O(explain_seconds). No statement is run, and C(ANALYZE) is never used.
  - From the plan come smells and the index that would help, as the command C(bench add-database-index) that makes Frappe keep it.
    It never advises to drop an index.
  - Values of rows never leave the host. What is returned has C(?) in their place.
  - It reads only, but for the digest that O(keep_history) remembers.
options:
  source:
    description:
      - Where from. V(auto) takes the slow query log where it can be read, else performance_schema.
      - The log knows each statement; performance_schema knows sums since the server's start, so there is no p95 there.
    type: str
    choices: [auto, slow_log, performance_schema]
    default: auto
  path:
    description:
      - The slow query log. Without it, the one that the server writes, if it runs on this host.
    type: path
  limit:
    description:
      - How many fingerprints are returned.
    type: int
    default: 10
  limit_bytes:
    description:
      - How much of the log's end is read at most.
    type: int
    default: 67108864
  explain:
    description:
      - Whether the server is asked for plans.
    type: bool
    default: true
  explain_seconds:
    description:
      - How long the server may take for one plan.
    type: float
    default: 2
  since:
    description:
      - V(all) reads the log's end; V(last) only what was added since the last digest that O(keep_history) remembered.
    type: str
    choices: [all, last]
    default: all
  sites:
    description:
      - Only statements of these sites. Without it, of all databases.
    type: list
    elements: str
    default: []
  bench_path:
    description:
      - The folder of the bench whose sites give the databases their names. Without it, all benches of the host.
    type: path
  state_path:
    description:
      - Where the collection keeps its state on the host.
    type: path
    default: /var/lib/lifeboat
  keep_history:
    description:
      - Remember the digest in O(state_path), so that the next one can tell what is new or worse. Not in check mode.
    type: bool
    default: false
extends_documentation_fragment:
  - lifeboat.frappe.login
  - lifeboat.frappe.attributes.read_only
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: See what is slow, and which index would help
  lifeboat.frappe.slow_query_info:
    keep_history: true
  register: slow

- name: Digest a log that was copied here, without asking the server for plans
  lifeboat.frappe.slow_query_info:
    path: /srv/logs/db1-slow.log
    explain: false
    limit: 50
"""

RETURN = r"""
source:
  description: C(slow_log) or C(performance_schema).
  returned: success
  type: str
path:
  description: The log that was read, or an empty text.
  returned: success
  type: str
is_cut:
  description: Whether the log holds more than O(limit_bytes).
  returned: success
  type: bool
compared_with_seconds:
  description: When the digest was made that this one is compared with, in Unix time; V(null) without one.
  returned: success
  type: float
statement_count:
  description: How many statements were digested.
  returned: success
  type: int
fingerprint_count:
  description: How many fingerprints they have.
  returned: success
  type: int
total_seconds:
  description: The time that they took together.
  returned: success
  type: float
queries:
  description: The fingerprints, those that took most time first.
  returned: success
  type: list
  elements: dict
  contains:
    rank:
      description: Its place, from 1.
      type: int
    id:
      description: The stable name of the fingerprint in its database.
      type: str
      sample: 2f6a1c0be0d4a9c7
    site:
      description: The site, or an empty text where the database is of none that is known here.
      type: str
    schema:
      description: The database.
      type: str
    sample:
      description: The statement without its values.
      type: str
      sample: select `name` from `tabSales Invoice` where `customer` = ?
    calls:
      description: How many there were.
      type: int
    total_seconds:
      description: The time that they took together.
      type: float
    average_seconds:
      description: The mean of it.
      type: float
    p95_seconds:
      description: 95 of 100 were at least as quick; V(null) from performance_schema.
      type: float
    max_seconds:
      description: The slowest one.
      type: float
    share_percent:
      description: Of the time of the whole digest.
      type: float
    rows_examined:
      description: Rows that they looked at.
      type: int
    rows_sent:
      description: Rows that they returned.
      type: int
    rows_examined_per_sent:
      description: Rows looked at for each row returned.
      type: float
    variance_to_mean:
      description: High where the same statement is sometimes much slower; V(null) from performance_schema.
      type: float
    first_seen_seconds:
      description: When it was first seen, also by earlier digests, in Unix time.
      type: float
    last_seen_seconds:
      description: When it was last seen, in Unix time.
      type: float
    full_scans:
      description: How many read a whole table; V(null) where C(log_slow_verbosity) does not include C(query_plan).
      type: int
    is_new:
      description: Whether earlier digests did not know it; V(null) without one.
      type: bool
    is_worse:
      description: Whether it typically takes three times as long as before; V(null) without an earlier digest.
      type: bool
    smells:
      description: Sentences about the plan.
      type: list
      elements: str
    advice:
      description: Indexes that would help, each with C(table), C(column), C(table_rows), C(fetched_percent), C(text) and C(command).
      type: list
      elements: dict
    not_explained:
      description: Why there is no plan; empty where there is one, or none was asked for.
      type: str
"""

import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench, bench_at, find_benches
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.slow_query_report import (
    DigestOptions,
    administrator_of,
    report_slow_queries,
    site_schemas,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.slow_statements import AUTO, SOURCES
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    LOGIN_ARGUMENTS,
    STATE_PATH,
    require_pymysql_of_any,
    run,
)

ALL = "all"
LAST = "last"


def find_module_benches(parameters: dict[str, Any]) -> list[Bench]:
    """Return the benches whose sites give the databases their names."""
    return [bench_at(parameters["bench_path"])] if parameters["bench_path"] else find_benches()


def work(module: AnsibleModule) -> dict[str, Any]:
    """Return the digest."""
    parameters = module.params
    benches = find_module_benches(parameters)
    require_pymysql_of_any(module, benches)
    login = LoginOptions(**{name: parameters[name] for name in LOGIN_ARGUMENTS})
    options = DigestOptions(
        source=parameters["source"],
        path=parameters["path"] or "",
        limit=parameters["limit"],
        limit_bytes=parameters["limit_bytes"],
        explain=parameters["explain"],
        explain_seconds=parameters["explain_seconds"],
        since_last=parameters["since"] == LAST,
        sites=tuple(parameters["sites"]),
        state_path=Path(parameters["state_path"]),
        keep_history=parameters["keep_history"] and not module.check_mode,
    )
    report = report_slow_queries(administrator_of(benches, login), site_schemas(benches), options, time.time)
    return {"changed": False, **report}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN_ARGUMENTS,
            "source": {"type": "str", "choices": list(SOURCES), "default": AUTO},
            "path": {"type": "path"},
            "limit": {"type": "int", "default": 10},
            "limit_bytes": {"type": "int", "default": 64 * 1024 * 1024},
            "explain": {"type": "bool", "default": True},
            "explain_seconds": {"type": "float", "default": 2},
            "since": {"type": "str", "choices": [ALL, LAST], "default": ALL},
            "sites": {"type": "list", "elements": "str", "default": []},
            "bench_path": {"type": "path"},
            "state_path": {"type": "path", "default": STATE_PATH},
            "keep_history": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
