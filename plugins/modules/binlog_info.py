#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds transactions in the binary logs of a server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: binlog_info
short_description: Find a transaction in the binary logs, and see to which moments a site can be recovered
version_added: 0.1.0
description:
  - Reads the archive of a server's binary logs, and what the server has written since, and lists the transactions that changed certain
    tables, at a certain time, by many rows. For each there are its GTID, when it committed, how many rows it inserted, updated and deleted
    in which table, the statements without their values, and what to type to recover to the moment before it, or to undo it.
  - It answers "who deleted 400 invoices". Who it was, the connection, is in the log where a statement was logged, and from MariaDB 11.5 on
    for every transaction (C(thread_id)); the user is not. The statements without their values, the time, and the other tables of the same
    transaction mostly tell what did it.
  - No value of any row leaves the host. Nothing is changed.
options:
  site:
    description:
      - The site whose database, server and backup sets are meant. Without it, transactions of any database are listed, and the window
        does not say from which set a recovery could begin.
    type: str
  bench_path:
    description:
      - The folder of the bench. Without it, the one bench of the host that has O(site) is taken.
    type: path
  state_path:
    description:
      - Where the collection keeps its state on the host. The journals of O(site) say in which databases it lived.
    type: path
    default: /var/lib/lifeboat
  databases:
    description:
      - Further databases, for instance one in which O(site) lived before a recovery.
    type: list
    elements: str
    default: []
  archive:
    description:
      - The name of the archive in the repository. Without it, that of the server, or the only one that there is.
    type: str
  tables:
    description:
      - Only transactions that change one of these tables, or the schema of one. A DocType may stand for its table.
    type: list
    elements: str
    default: []
  operations:
    description:
      - Only transactions that do one of these. V(schema) is every statement that is logged as such.
    type: list
    elements: str
    choices: [insert, update, delete, schema]
    default: []
  since:
    description:
      - Only transactions that committed at this moment or later, RFC 3339 with an offset.
    type: str
  until:
    description:
      - Only transactions that committed at this moment or earlier, RFC 3339 with an offset.
    type: str
  minimal_rows:
    description:
      - Only transactions that changed at least so many rows, in O(tables) and by O(operations). Changes of a schema always count.
    type: int
    default: 0
  order:
    description:
      - Which ones come first, and are left when there are more than O(limit).
    type: str
    choices: [newest, oldest, largest]
    default: newest
  limit:
    description:
      - How many are listed.
    type: int
    default: 20
extends_documentation_fragment:
  - lifeboat.frappe.repository
  - lifeboat.frappe.login
  - lifeboat.frappe.attributes.read_only
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Find who deleted 400 invoices this morning
  lifeboat.frappe.binlog_info:
    site: erp.example.com
    tables: [Sales Invoice]
    operations: [delete]
    minimal_rows: 400
    since: "2026-11-21T06:00:00+05:30"
  register: found

- name: See to which moments the site can be recovered
  lifeboat.frappe.binlog_info:
    site: erp.example.com
    limit: 0

- name: List the largest changes of the last hour, whatever they were
  lifeboat.frappe.binlog_info:
    site: erp.example.com
    since: "{{ '%Y-%m-%dT%H:%M:%SZ' | strftime(now(utc=true).timestamp() - 3600, utc=true) }}"
    order: largest
"""

RETURN = r"""
window:
  description: The moments that the site can be recovered to.
  returned: success
  type: dict
  contains:
    from:
      description: The recovery point of the oldest set of the site's present database from which the logs lead on; empty when there is none.
      type: str
      sample: "2026-11-18T22:00:04Z"
    to:
      description: Until when; empty when there is no set. Now, or the last archived transaction where the server's own logs cannot be read.
      type: str
    logs_from:
      description: When the oldest of the logs was begun that lead to now without a gap.
      type: str
    first_file:
      description: The oldest of these logs.
      type: str
    last_file:
      description: The newest one.
      type: str
    size_bytes:
      description: Their length.
      type: int
transactions:
  description: The transactions, in the order that O(order) names.
  returned: success
  type: list
  elements: dict
  contains:
    gtid:
      description: Its id.
      type: str
      sample: 0-1-81723
    committed_at:
      description: When it committed, to the second, in UTC.
      type: str
    file:
      description: The log that it is in.
      type: str
    offset:
      description: Where it begins there.
      type: int
    databases:
      description: The databases that it may concern.
      type: list
      elements: str
    statements:
      description: What was logged as a statement, by its first words.
      type: list
      elements: str
      sample: [DROP TABLE]
    originals:
      description: The statements that changed the rows, without their values, the first ones that differ.
      type: list
      elements: str
      sample: ["delete from `tabSales Invoice` where name in (?)"]
    tables:
      description:
        - The tables with the most changed rows, each with C(database), C(table), C(inserted), C(updated), C(deleted) and C(exact).
      type: list
      elements: dict
    table_count:
      description: How many tables it changed.
      type: int
    rows:
      description: How many rows it changed.
      type: int
    matching_rows:
      description: Of these, how many in O(tables) and by O(operations).
      type: int
    thread_id:
      description: The connection that ran it; V(null) where the log does not say it.
      type: int
    xa:
      description: C(prepare), C(commit) or C(rollback) for a part of an XA transaction, else empty.
      type: str
    recover:
      description: What to add to the playbook C(lifeboat.frappe.recover) to recover to the moment before it.
      type: str
      sample: -e site=erp.example.com -e recover_to=before:0-1-81723
    undo:
      description: What to add to the playbook C(lifeboat.frappe.recover) to undo it and keep all that came after; empty where that cannot be.
      type: str
    not_undone_because:
      description: Why it cannot be undone alone; empty where that can be tried.
      type: str
matching:
  description: How many transactions were found, also beyond O(limit).
  returned: success
  type: int
read:
  description: How many transactions were looked at.
  returned: success
  type: int
notes:
  description: What was not looked at, and why.
  returned: success
  type: list
  elements: str
"""

import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_finder import (
    NEWEST,
    OPERATIONS,
    ORDERS,
    Criteria,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import find_bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    LOGIN_ARGUMENTS,
    REPOSITORY_ARGUMENTS,
    STATE_PATH,
    require_pymysql,
    run,
    server_login,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.binlog_inquiry import (
    Inquiry,
    inquire,
    read_moment,
)


def work(module: AnsibleModule) -> dict[str, Any]:
    """Return the window and the transactions."""
    options = module.params
    site = find_bench(options["site"], options["bench_path"]).site(options["site"]) if options["site"] else None
    criteria = Criteria(
        databases=frozenset(options["databases"]),
        tables=frozenset(options["tables"]),
        operations=frozenset(options["operations"]),
        since_seconds=read_moment("since", options["since"]),
        until_seconds=read_moment("until", options["until"]),
        minimal_rows=options["minimal_rows"],
        order=options["order"],
        limit=options["limit"],
    )
    inquiry = Inquiry(
        repository=Repository(Path(options["repository_path"])),
        archive=options["archive"],
        login=server_login(options),
        site=site,
        state_path=Path(options["state_path"]),
        criteria=criteria,
    )
    return inquire(inquiry, time.time)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN_ARGUMENTS,
            **REPOSITORY_ARGUMENTS,
            "site": {"type": "str"},
            "bench_path": {"type": "path"},
            "state_path": {"type": "path", "default": STATE_PATH},
            "databases": {"type": "list", "elements": "str", "default": []},
            "archive": {"type": "str"},
            "tables": {"type": "list", "elements": "str", "default": []},
            "operations": {"type": "list", "elements": "str", "choices": list(OPERATIONS), "default": []},
            "since": {"type": "str"},
            "until": {"type": "str"},
            "minimal_rows": {"type": "int", "default": 0},
            "order": {"type": "str", "choices": list(ORDERS), "default": NEWEST},
            "limit": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    require_pymysql(module, module.params["bench_path"])
    run(module, work)


if __name__ == "__main__":
    main()
