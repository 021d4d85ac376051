#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look at the schema of sites, and try what they are like without an index."""

from __future__ import annotations

DOCUMENTATION = r"""
module: database_schema
short_description: Look at the schema of sites, and try what they are like without an index
version_added: 0.1.0
description:
  - Looks at the database of each site with the site's own account, and says what could be better, with the exact statement or command.
    Engines, row formats and collations that are not as Frappe makes them; indexes that another one or nobody makes superfluous; rows
    that belong to documents that are gone; tables, sequences and columns that no DocType knows. Nothing of that is changed or deleted.
  - With O(state=ignored) an index goes to quarantine (MariaDB 10.6 or later). No query uses it any more, but it is kept up to date. The
    index is written down before that, and each later run looks after it, so this module should run every hour meanwhile.
  - An index comes back by itself, with the next run, when a statement looks at more than O(regression_factor) times as many rows as
    before (by the performance schema, if the site's account may read it, or else by the slow log of a server on this host), when its
    table is read more than O(regression_factor) times as much for each statement of the server as before, when a DocType declares it,
    when the index that did its work is gone, when the server does not count any more,
    and when nobody asked to drop it within O(grace_days) days after its watch.
  - It is dropped with O(state=dropped) alone, after its whole watch, which takes in the end of a month.
  - A primary key, a unique index, one that a foreign key needs, one that is no B-tree or not of an InnoDB table, and one that a DocType
    or an app declares (it would come back with the next migration) never go to quarantine. One that somebody else ignores is never
    touched.
  - What is used is counted by the server, if C(userstat) is on, or the performance schema is on and the site's account may read it.
    Where it counts nothing, indexes are not tried. The counts of each run are kept on the host.
  - A change waits 5 seconds for those who have the table in a transaction, and is given up then.
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
options:
  sites:
    description: The sites that are looked at. Without it, all sites of the benches.
    type: list
    elements: str
    default: []
  state:
    description:
      - Whether advice is all that is wanted, or indexes are to go to quarantine, to come back, or to be dropped.
      - Whatever it is, those that are in quarantine already are looked after.
    type: str
    choices: [advised, ignored, restored, dropped]
    default: advised
  indexes:
    description: The indexes that are meant. With O(state=restored), none means all that are in quarantine.
    type: list
    elements: dict
    suboptions:
      table:
        description: The table.
        type: str
        required: true
      index:
        description: The name of the index.
        type: str
        required: true
  candidates:
    description:
      - Whether O(state=ignored) means every index as well that is advised as a candidate. Those that came back once are left out.
    type: bool
  sections:
    description: What is looked at.
    type: list
    elements: str
    choices: [drift, indexes, orphans, ghosts]
    default: [drift, indexes, orphans, ghosts]
  watch_days:
    description: For how many days an index is watched, before and in quarantine. The watch always takes in the turn of a month.
    type: int
    default: 35
  grace_days:
    description: For how many days after its watch an index can be dropped, before it comes back.
    type: int
    default: 7
  regression_factor:
    description: By which factor the rows that statements look at may grow while an index of their table is in quarantine.
    type: float
    default: 2.0
  baseline_hours:
    description: For how many hours the use of tables must have been watched before an index may go to quarantine.
    type: float
    default: 24
  timeout_seconds:
    description: For how long orphaned rows are counted in one site. What was not counted to its end is in RV(sites).
    type: float
    default: 60
extends_documentation_fragment:
  - lifeboat.frappe.benches
  - lifeboat.frappe.attributes
"""

EXAMPLES = r"""
- name: Say what could be better, and look after the indexes in quarantine
  lifeboat.frappe.database_schema:

- name: Try what the site is like without an index
  lifeboat.frappe.database_schema:
    sites: [erp.example.com]
    state: ignored
    indexes:
      - {table: tabSales Invoice, index: po_no}

- name: Bring all of them back
  lifeboat.frappe.database_schema:
    state: restored

- name: Drop an index that nobody missed
  lifeboat.frappe.database_schema:
    sites: [erp.example.com]
    state: dropped
    indexes:
      - {table: tabSales Invoice, index: po_no}
"""

RETURN = r"""
sites:
  description:
    - For each site that could be looked at C(site), C(bench) and C(database), and what was found.
    - C(drift) with C(kind), C(table), C(column), C(found), C(wanted), C(differs_from), C(statement), C(bytes), C(cost) and C(is_online).
    - C(indexes) with C(kind) (C(redundant), C(unused)), C(table), C(index), C(columns), C(kept), C(bytes) (about), C(is_declared),
      C(is_candidate) and C(reason); C(usage) says what is known of how they are used.
    - C(orphans) with C(kind) (C(child), C(dynamic_link), C(doctype)), C(table), C(doctype), C(is_doctype_gone), C(rows) and
      C(statement); C(unfinished) says by table why it was not counted to its end.
    - C(ghosts) with C(kind) (C(table), C(sequence), C(columns)), C(name), C(columns), C(rows), C(bytes) and C(step).
    - C(backup_command) backs up exactly the tables from which orphans or ghosts would be taken.
    - C(quarantine) are the indexes in quarantine, with C(table), C(index), C(phase), C(reason), C(since) and C(until) (seconds since the
      epoch), C(rows_per_statement) before, what statements did C(before) and C(create_statement). C(ignored_by_others) are those that others
      ignore, C(dropped) those that were dropped, with the statement that makes each again,
      and C(actions) what was, or in check mode would be, done in this run.
  returned: always
  type: list
  elements: dict
refused:
  description: What could not be looked at or was not changed, with C(site), C(error_code) and C(reason).
  returned: always
  type: list
  elements: dict
lines:
  description: The result, for people.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.advice import SECTIONS
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.choice import ADVISED, STATES, Wanted
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.quarantine import Limits
from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.run import SchemaRequest, run_schema
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    BENCHES_ARGUMENTS,
    benches_of,
    require_pymysql_of_any,
    run,
)

LIMITS: dict[str, dict[str, Any]] = {
    "watch_days": {"type": "int", "default": 35},
    "grace_days": {"type": "int", "default": 7},
    "regression_factor": {"type": "float", "default": 2.0},
    "baseline_hours": {"type": "float", "default": 24},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what was asked for and return the module's result."""
    options = module.params
    benches = benches_of(options)
    require_pymysql_of_any(module, benches)
    keys = tuple((each["table"], each["index"]) for each in options["indexes"] or [])
    result = run_schema(
        SchemaRequest(
            state_path=Path(options["state_path"]),
            benches=benches,
            sites=tuple(options["sites"]),
            wanted=Wanted(options["state"], keys, bool(options["candidates"])),
            sections=tuple(options["sections"]),
            limits=Limits(**{name: options[name] for name in LIMITS}),
            timeout_seconds=options["timeout_seconds"],
            check_mode=module.check_mode,
        )
    )
    if result["refused"] and options["state"] != ADVISED:
        # Whoever asks for a state wants to know that it is not reached; what was done is told all the same.
        reasons = " ".join(each["reason"] for each in result["refused"])
        module.fail_json(msg=reasons, error_code=result["refused"][0]["error_code"], **result)
    return result


def main() -> None:
    """Run the module."""
    key = {"table": {"type": "str", "required": True}, "index": {"type": "str", "required": True}}
    module = AnsibleModule(
        argument_spec={
            **BENCHES_ARGUMENTS,
            **LIMITS,
            "sites": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "choices": list(STATES), "default": ADVISED},
            "indexes": {"type": "list", "elements": "dict", "options": key},
            "candidates": {"type": "bool"},
            "sections": {"type": "list", "elements": "str", "choices": list(SECTIONS), "default": list(SECTIONS)},
            "timeout_seconds": {"type": "float", "default": 60},
        },
        required_if=[("state", "dropped", ["indexes"]), ("state", "ignored", ["indexes", "candidates"], True)],
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
