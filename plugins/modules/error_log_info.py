#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the errors of benches, counts them, and tells what is known about each."""

from __future__ import annotations

DOCUMENTATION = r"""
module: error_log_info
short_description: Find the errors of a bench, count them, and tell what is known about each
version_added: 0.1.0
description:
  - Reads the logs of benches and sites, the sites' Error Log, the results of failed jobs, the journal, and the error logs of
    nginx, MariaDB, Redis and supervisor where they are.
  - Groups what it finds by the exception and by where in the apps it was raised, without times, numbers and names of documents.
  - Matches each error with a list of known errors, which says what causes it, what to do, and how to be spared next time. The
    list of the collection is C(docs/known_errors.md).
  - Passwords, tokens, addresses of people and hosts, telephone numbers and quoted values are masked in all that it returns.
  - It only reads. No job is unpickled, nothing is marked as seen. It needs no C(bench) command. A source that cannot be read is
    named in RV(notes), and the others are read all the same.
options:
  site:
    description:
      - Look only at this site, its bench, and the servers of the host. Without it, at all sites.
    type: str
  sources:
    description:
      - What to read.
      - V(logs) are files, V(error_log) is the table C(tabError Log), V(jobs) are the results of failed jobs in Redis, V(journal)
        is that of systemd.
    type: list
    elements: str
    choices: [logs, error_log, jobs, journal]
    default: [logs, error_log, jobs, journal]
  log_paths:
    description:
      - Further logs. One that is not there is passed over.
    type: list
    elements: str
    default:
      - /var/log/nginx/error.log
      - /var/log/mysql/error.log
      - /var/log/mariadb/mariadb.log
      - /var/log/redis/redis-server.log
      - /var/log/supervisor/supervisord.log
  hours:
    description:
      - How many hours to look back, where no earlier look was kept.
    type: float
    default: 24
  keep_cursor:
    description:
      - Go on where the last look ended, and keep in O(state_path) where this one ends, so that each error is counted once.
      - In check mode, nothing is written.
    type: bool
    default: false
  most_bytes:
    description:
      - How many bytes of each log are read at most, from its end.
    type: int
    default: 1048576
  most_errors:
    description:
      - How many errors are returned at most, those that happened most often.
    type: int
    default: 50
  known_errors:
    description:
      - Further known errors, which are asked before those of the collection.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: A stable name.
        type: str
        required: true
      title:
        description: What it is.
        type: str
        required: true
      patterns:
        description: Regular expressions, upper and lower case alike. The error is recognised where one of them is found in its text.
        type: list
        elements: str
        required: true
      causes:
        description: What it comes from.
        type: list
        elements: str
        default: []
      steps:
        description: What to do.
        type: list
        elements: str
        default: []
      prevention:
        description: How to be spared next time.
        type: str
        default: ""
      playbook:
        description: The playbook that mends it or finds out more.
        type: str
        default: ""
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
extends_documentation_fragment:
  - lifeboat.frappe.attributes.read_only
  - lifeboat.frappe.benches
"""

EXAMPLES = r"""
- name: Find the errors of the last hour of a site
  lifeboat.frappe.error_log_info:
    site: erp.example.com
    hours: 1
  register: tracked

- name: Show what to do about them
  ansible.builtin.debug:
    msg: "{{ tracked.known_errors }}"

- name: Count what is new since the last run, and recognise an error of an app of one's own
  lifeboat.frappe.error_log_info:
    keep_cursor: true
    known_errors:
      - id: warehouse_offline
        title: The warehouse's interface is offline
        patterns: ['WarehouseUnavailable']
        steps: [Call the warehouse]
"""

RETURN = r"""
errors:
  description: The errors, those that happened most often first.
  returned: always
  type: list
  elements: dict
  contains:
    fingerprint:
      description: The same for the same error in every run.
      type: str
      sample: 4f1d0f3f6a3c9b21
    title:
      description: The exception and its message, masked.
      type: str
      sample: "pymysql.err.OperationalError: (1213, \"Deadlock found when trying to get lock; try restarting transaction\")"
    exception:
      description: The class of the exception; empty where a log has no more than a line.
      type: str
    frames:
      description: Where in the apps it was raised, the innermost first.
      type: list
      elements: str
      sample: [erpnext/accounts/party.py in get_party_details]
    count:
      description: How often it happened.
      type: int
    first_seen:
      description: When it happened first since RV(since).
      type: str
      sample: "2026-11-21T02:11:09+00:00"
    last_seen:
      description: When it happened last.
      type: str
    sources:
      description: Where it was found.
      type: list
      elements: str
      sample: [Error Log, web.error.log]
    sites:
      description: The sites it is of, where that is known.
      type: list
      elements: str
    sample:
      description: One of its texts, masked and shortened.
      type: str
    known:
      description: The C(id) of the known error that it is, or empty.
      type: str
      sample: mariadb_deadlock
known_errors:
  description: The known errors that were found, each once.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: Its name.
      type: str
    title:
      description: What it is.
      type: str
    count:
      description: How often it happened.
      type: int
    causes:
      description: What it comes from.
      type: list
      elements: str
    steps:
      description: What to do.
      type: list
      elements: str
    prevention:
      description: How to be spared next time.
      type: str
    playbook:
      description: The playbook that mends it or finds out more, or empty.
      type: str
counts:
  description: How many events there were, how many different errors, and how many of those are known.
  returned: always
  type: dict
  sample: {"events": 41, "errors": 3, "known": 2}
since:
  description: The moment from which on errors were counted.
  returned: always
  type: str
  sample: "2026-11-20T14:45:08+00:00"
lines:
  description: The errors in a few lines for people, each with the first thing to do.
  returned: always
  type: list
  elements: str
notes:
  description: What could not be read, in sentences.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench, find_bench, find_benches
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.patience import PATIENT
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.knowledge import read_knowledge
from ansible_collections.lifeboat.frappe.plugins.module_utils._diagnosis.tracker import (
    SOURCES,
    SYSTEM_LOGS,
    TrackerOptions,
    track_errors,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import BENCHES_ARGUMENTS, prefer_libraries, run

STRINGS = {"type": "list", "elements": "str"}
KNOWN_ERROR = {
    "id": {"type": "str", "required": True},
    "title": {"type": "str", "required": True},
    "patterns": {**STRINGS, "required": True},
    "causes": {**STRINGS, "default": []},
    "steps": {**STRINGS, "default": []},
    "prevention": {"type": "str", "default": ""},
    "playbook": {"type": "str", "default": ""},
}


def benches_of(parameters: dict[str, Any]) -> list[Bench]:
    """Return the benches that the options ask for."""
    if parameters["site"] or parameters["bench_path"]:
        return [find_bench(parameters["site"] or "", parameters["bench_path"], parameters["search_paths"])]
    return find_benches(parameters["search_paths"])


def look(module: AnsibleModule) -> dict[str, Any]:
    """Return what one look at the errors found."""
    parameters = module.params
    benches = benches_of(parameters)
    prefer_libraries(benches)
    options = TrackerOptions(
        benches=benches,
        site=parameters["site"] or "",
        sources=parameters["sources"],
        log_paths=parameters["log_paths"],
        hours=parameters["hours"],
        most_bytes=parameters["most_bytes"],
        most_errors=parameters["most_errors"],
        state_path=Path(parameters["state_path"]),
        keeps_cursor=parameters["keep_cursor"],
    )
    knowledge = read_knowledge(parameters["known_errors"])
    around = Surroundings(patience=PATIENT)
    return {"changed": False, **track_errors(options, knowledge, around, may_write=not module.check_mode)}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "site": {"type": "str"},
            **BENCHES_ARGUMENTS,
            "sources": {**STRINGS, "choices": list(SOURCES), "default": list(SOURCES)},
            "log_paths": {**STRINGS, "default": list(SYSTEM_LOGS)},
            "hours": {"type": "float", "default": 24},
            "keep_cursor": {"type": "bool", "default": False},
            "most_bytes": {"type": "int", "default": 1024 * 1024},
            "most_errors": {"type": "int", "default": 50},
            "known_errors": {"type": "list", "elements": "dict", "default": [], "options": KNOWN_ERROR},
        },
        mutually_exclusive=[("bench_path", "search_paths")],
        supports_check_mode=True,
    )
    run(module, look)


if __name__ == "__main__":
    main()
