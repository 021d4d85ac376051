#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Begin and end the recovery of a site."""

from __future__ import annotations

DOCUMENTATION = r"""
module: site_recovery
short_description: Begin and end the recovery of a site
version_added: 0.1.0
description:
  - With O(state=begun) it finds the bench, the site, its database and its backup sets, picks the newest set that is complete,
    verifies it, checks identity, versions, keys and disk space, and plans the recovery. Then it takes the site's lock and opens
    a journal with that plan. In check mode it returns the plan and changes nothing.
  - A recovery of the same set that did not end is resumed; one of another set is cleaned up first. When the site already lives
    from the chosen set and nothing is to be resumed, RV(needed) is false and nothing is done, unless O(again=true).
  - With O(state=finished) it writes the record of the recovery, deletes what other recoveries of the site kept and has expired,
    and gives the lock back. With O(state=abandoned) it removes what was staged, writes the record and gives the lock back; the
    live site is not touched.
  - Several tasks make a recovery, see the role C(lifeboat.frappe.recovery).
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
options:
  state:
    description: What to do.
    type: str
    choices: [begun, finished, abandoned]
    default: begun
  recover_to:
    description:
      - Without it, the newest complete set.
      - The name of a set, for the moment of that set.
      - A moment (RFC 3339 with an offset, for example V(2026-11-21T08:40:00+05:30)), for all transactions before the first one of that
        moment or later. The newest complete set before it is the base, and the binary logs of its server are replayed onto it. Where no
        set has a position in a binary log, the newest complete set at or before the moment, and RV(plan) says how much earlier it is.
      - V(before:GTID) for all transactions before this one, for example V(before:0-1-505). M(lifeboat.frappe.binlog_info) finds it.
      - V(latest) for all that the logs hold. The site is closed before the end of its log is read, so that nothing is lost.
      - A moment outside of the window that the sets and logs cover is refused, with the window.
    type: str
  undo:
    description:
      - The GTID of a transaction that is undone. The site is recovered to the latest moment in a copy, the transaction is undone there,
        and the copy is promoted.
      - Refused when a row that it left was changed later, or when it changed more than rows.
    type: str
  paths:
    description:
      - Folders with backup sets, flat or one folder a set. Without it, the site's own folder of backups and that in
        O(repository_path).
    type: list
    elements: path
    default: []
  encryption_key:
    description: The passphrase of encrypted artifacts. Without it, C(backup_encryption_key) of the set or of the live site.
    type: str
  procedure:
    description: The name of the procedure that the recovery follows, for the record.
    type: str
    default: standard
  fetch_seconds:
    description: How long it took to fetch the set from off-site before, which is part of the recovery time.
    type: float
    default: 0
  allow_cross_site:
    description: Accept a set of another site.
    type: bool
    default: false
  allow_newer_apps:
    description: Accept a set that comes from newer apps than the bench has, or from apps that it does not have.
    type: bool
    default: false
  again:
    description: Recover also when the site already lives from the chosen set.
    type: bool
    default: false
  holder:
    description: Who runs the recovery. Without it, this process.
    type: dict
    suboptions:
      host:
        description: The host of the process.
        type: str
        required: true
      user:
        description: The person or account.
        type: str
        required: true
      pid:
        description: The number of the process.
        type: int
        required: true
  lock_lease_seconds:
    description: How long the lock of a holder that does nothing is respected.
    type: int
    default: 60
  binary_log:
    description:
      - What M(lifeboat.frappe.staging_database) will be told, so that the plan says what replicas of the server get of the load.
    type: str
    choices: [logged, skipped]
    default: logged
  keep_days:
    description: Days for which the replaced database and files are kept.
    type: int
    default: 7
  reserve_bytes:
    description: Bytes that must stay free on each file system.
    type: int
    default: 1073741824
  datadir_free_bytes:
    description: Free bytes of the server's data directory, where that cannot be seen from this host.
    type: int
  outcome:
    description: How the recovery ended, with O(state=finished).
    type: str
    choices: [recovered, rolled_back]
    default: recovered
  verification:
    description: What M(lifeboat.frappe.site_verification) returned, of all hosts, for the record.
    type: list
    elements: dict
    default: []
  assessment:
    description: What M(lifeboat.frappe.site_assessment) returned, for the record.
    type: dict
  error:
    description: What ended the recovery early, for the record.
    type: dict
    suboptions:
      code:
        description: The error's code.
        type: str
        required: true
      reason:
        description: The error as a sentence.
        type: str
        required: true
  playbook_arguments:
    description: Arguments that the command which rolls back needs besides the site, for the record; for example V(-i), V(hosts.yml).
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - lifeboat.frappe.site
  - lifeboat.frappe.recovery
  - lifeboat.frappe.repository
  - lifeboat.frappe.login
  - lifeboat.frappe.progress
  - lifeboat.frappe.attributes
"""

EXAMPLES = r"""
- name: Show what a recovery would do
  lifeboat.frappe.site_recovery:
    site: erp.example.com
  check_mode: true

- name: Begin a recovery to a moment
  lifeboat.frappe.site_recovery:
    site: erp.example.com
    recover_to: "2026-11-21T08:40:00+05:30"
  register: begun

- name: Show what it would mean to undo one transaction
  lifeboat.frappe.site_recovery:
    site: erp.example.com
    undo: 0-1-505
  check_mode: true

- name: End it
  lifeboat.frappe.site_recovery:
    site: erp.example.com
    state: finished
    recovery: "{{ begun.recovery }}"
"""

RETURN = r"""
recovery:
  description: The identifier of the recovery; empty when none was begun.
  returned: always
  type: str
  sample: 20261121T031522Z-9f3a
needed:
  description: Whether there is something to recover; false when the site already lives from the chosen set.
  returned: always
  type: bool
resumed:
  description: Whether a recovery that did not end is continued.
  returned: always
  type: bool
plan:
  description: What is replaced by what, from when the data is, how long it takes, what it needs and what was checked.
  returned: always
  type: dict
  sample: {"site": "erp.example.com", "recovery_point": "2026-11-21T03:00:02Z", "data_loss_seconds": 2712}
record:
  description: The record of the recovery, as C(docs/recovery-record.schema.json) describes it; empty with O(state=begun).
  returned: always
  type: dict
expired:
  description: The recoveries whose kept database and files were deleted.
  returned: always
  type: list
  elements: str
"""

from dataclasses import fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import find_bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect
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
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.cleanup import clean_up, retire_expired
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.lifecycle import (
    Ending,
    begin_recovery,
    end_recovery,
    is_ended,
    is_needed,
    refuse_promoted,
    unfinished_recovery,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.lock import Holder, this_holder
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.preparation import (
    RecoveryRequest,
    prepare_recovery,
)

NOTHING: dict[str, Any] = {"recovery": "", "needed": True, "resumed": False, "plan": {}, "record": {}, "expired": []}


def begin(module: AnsibleModule) -> dict[str, Any]:
    """Plan a recovery and, unless in check mode or there is nothing to recover, begin it."""
    options = module.params
    state_path, now = Path(options["state_path"]), datetime.now(timezone.utc)
    asked = {field.name: options[field.name] for field in fields(RecoveryRequest)}
    paths, repository_path = tuple(map(Path, options["paths"])), Path(options["repository_path"])
    places = {"state_path": state_path, "repository_path": repository_path, "paths": paths}
    request = RecoveryRequest(**{**asked, **places})
    with connect(login_options(options)) as connection:
        archive_login = None if module.check_mode else login_options(options)
        plan = prepare_recovery(request, connection, progress_reporter(options), now, archive_login)
        resumable = unfinished_recovery(state_path, plan)
        # What did not end may have been killed in the middle of its promotion: the site may be down until it is resumed.
        needed = options["again"] or resumable is not None or is_needed(state_path, plan)
        diff = {"before": {"set": None}, "after": {"set": plan["set"]["name"]}} if needed else {}
        result = {**NOTHING, "changed": needed, "needed": needed, "plan": plan, "diff": diff}
        if not needed or module.check_mode:
            return {**result, "resumed": resumable is not None}
        bench = find_bench(options["site"], options["bench_path"])
        begun = begin_recovery(
            state_path,
            plan,
            Holder(**options["holder"]) if options["holder"] else this_holder(),
            options["lock_lease_seconds"],
            now,
            lambda journal: clean_up(connection, bench.site(options["site"]), journal),
        )
    return {**result, "recovery": begun.recovery, "resumed": begun.resumed}


def end(module: AnsibleModule) -> dict[str, Any]:
    """Write the record of a recovery; what it staged goes unless it was promoted."""
    options = module.params
    state_path, now = Path(options["state_path"]), datetime.now(timezone.utc)
    site = find_bench(options["site"], options["bench_path"]).site(options["site"])
    journal = Journal.open(state_path, site.name, options["recovery"])
    plan = journal.plan()
    if options["state"] == "abandoned":
        refuse_promoted(journal)
    result = {**NOTHING, "recovery": journal.recovery, "plan": plan, "changed": not is_ended(journal)}
    if module.check_mode:
        return result
    ending = Ending(
        outcome="failed" if options["state"] == "abandoned" else options["outcome"],
        verification=options["verification"],
        assessment=options["assessment"],
        error=options["error"],
        playbook_arguments=options["playbook_arguments"],
    )
    with connect(login_options(options)) as connection:
        record = end_recovery(state_path, journal, ending, now, lambda pending: clean_up(connection, site, pending))
        expired = retire_expired(connection, state_path, site, now)
    return {**result, "record": record, "expired": expired}


def main() -> None:
    """Run the module."""
    text = {"type": "str", "required": True}
    module = AnsibleModule(
        argument_spec={
            **RECOVERY_ARGUMENTS,
            **LOGIN_ARGUMENTS,
            **PROGRESS_ARGUMENTS,
            **REPOSITORY_ARGUMENTS,
            "state": {"type": "str", "choices": ["begun", "finished", "abandoned"], "default": "begun"},
            "recover_to": {"type": "str"},
            "undo": {"type": "str"},
            "paths": {"type": "list", "elements": "path", "default": []},
            "encryption_key": {"type": "str", "no_log": True},
            "procedure": {"type": "str", "default": "standard"},
            "fetch_seconds": {"type": "float", "default": 0},
            "allow_cross_site": {"type": "bool", "default": False},
            "allow_newer_apps": {"type": "bool", "default": False},
            "again": {"type": "bool", "default": False},
            "holder": {
                "type": "dict",
                "options": {"host": text, "user": text, "pid": {"type": "int", "required": True}},
            },
            "lock_lease_seconds": {"type": "int", "default": 60},
            "binary_log": {"type": "str", "choices": ["logged", "skipped"], "default": "logged"},
            "keep_days": {"type": "int", "default": 7},
            "reserve_bytes": {"type": "int", "default": 1024**3},
            "datadir_free_bytes": {"type": "int"},
            "outcome": {"type": "str", "choices": ["recovered", "rolled_back"], "default": "recovered"},
            "verification": {"type": "list", "elements": "dict", "default": []},
            "assessment": {"type": "dict"},
            "error": {"type": "dict", "options": {"code": text, "reason": text}},
            "playbook_arguments": {"type": "list", "elements": "str", "default": []},
        },
        required_if=[("state", "finished", ["recovery"]), ("state", "abandoned", ["recovery"])],
        supports_check_mode=True,
    )
    require_pymysql(module, module.params["bench_path"])
    run(module, begin if module.params["state"] == "begun" else end)


if __name__ == "__main__":
    main()
