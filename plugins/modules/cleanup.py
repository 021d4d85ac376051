#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take files away that a bench no longer needs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cleanup
short_description: Take files away that a bench no longer needs
version_added: 0.1.0
description:
  - Works out which files may go, by rules that are all off unless O(rules) names them, and takes them away.
  - In check mode it returns the plan. A person can review that, and another apply exactly it with O(plan) and O(plan_sha256).
  - Each file is looked at again before it goes. One that was changed, opened, or swapped for a link since then stays. No link is
    followed, no other file system is entered, and what makes a site (configuration, files, backups) is never touched.
  - With O(quarantine) files are moved beside their place first, and deleted O(grace_days) later. O(state=restored) puts them back.
  - While the clock is days ahead of everything that was written on the host, nothing is taken away.
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
options:
  state:
    description: Whether files are to be taken away, or those of O(run) put back from quarantine.
    type: str
    choices: [clean, restored]
    default: clean
  rules:
    description:
      - The rules that are on. The keys are V(bench_logs) (rotated logs of the bench), V(site_logs) (rotated logs of the sites) and
        V(package_caches) (downloads of pip and npm of the bench's account). Their values may have C(older_than_days) and
        C(keep_newest), which otherwise are those of the rule.
      - V(log_tables) deletes old rows of the tables in which Frappe keeps logs, in chunks of at most half a second, with the site's own
        account. Its values are C(days) (days by DocType; otherwise those of Log Settings, else Frappe's; V(0) keeps for ever;
        C(Version), C(Deleted Document) and C(Access Log) go only with it), C(archive_path) (a folder that gets the rows first, as
        compressed lines of JSON), and C(replicas) (servers as C(host:port) for which it waits).
      - V(sessions) deletes sessions of users that have expired and were not used for C(older_than_days) (30).
      - V(failed_jobs) deletes jobs that failed C(older_than_days) (7) ago, but for the newest of each error, and failed jobs of sites that
        are not there any more.
      - V(stale_jobs) deletes jobs that wait, are scheduled or deferred since a day for sites that are not there any more.
      - V(site_cache) deletes the keys in the Redis cache, of the sites in C(sites), that Frappe can make again.
      - V(journal) lets journald delete archived files with entries older than C(older_than_days) (14).
      - V(apt_cache) lets apt delete the packages that it has downloaded. No rule removes an installed package or a kernel.
      - V(tool_caches) lets yarn and uv empty their caches of the bench's account.
      - V(temporary_files) lets systemd-tmpfiles delete files in C(/tmp) and C(/var/tmp) that are as old as C(tmpfiles.d) says, but for those
        that a process has open.
      - V(container_images) lets Docker and podman delete images without a name that no container uses and that were made
        C(older_than_days) (7) ago; with C(unused) named ones as well; never one with the label C(keep_label) (C(keep)), a volume or a container.
      - V(backup_sets) deletes sets of C(repository_path) that the collection's retention no longer keeps, as
        M(lifeboat.frappe.backup_retention) does, with its values C(keep_daily), C(keep_weekly), C(keep_monthly), C(keep_yearly) and
        C(keep_minimum).
      - V(archived_sites) deletes what C(bench drop-site) left C(older_than_days) (30) ago, where a complete set of the site in
        C(repository_path) is whole; otherwise the site is refused. With C(drop_database) its database goes as well, unless a live site
        names it or somebody is connected to it.
      - V(orphaned_files) tells which files have no File document and which documents no file. With C(quarantine) such files go to
        quarantine, whatever O(quarantine) says. Texts, web pages and apps may show a file that has no document.
    type: dict
    default: {}
  protected:
    description: Shell patterns of whole paths that never go, besides those that are always protected.
    type: list
    elements: str
    default: []
  max_bytes:
    description: How many bytes one run takes away at most. A table whose old rows are more waits until this is raised.
    type: int
    default: 107374182400
  max_items:
    description: How many files, tables and registries one run cleans up at most.
    type: int
    default: 10000
  max_percent:
    description: How many percent of the files that a rule finds in one folder one run takes away at most. The rest waits for the next run.
    type: int
    default: 100
  timeout_seconds:
    description: >-
      After how long a run stops. The next one goes on. The file C(cleanup.stop) in O(state_path) stops one sooner, and none begins while
      it is there.
    type: float
    default: 600
  quarantine:
    description: Whether files wait in quarantine before they are gone for good. The disk gets its room back after that only.
    type: bool
    default: false
  grace_days:
    description: How long files wait in quarantine.
    type: int
    default: 7
  plan:
    description: The plan to apply, exactly as RV(plan) gave it.
    type: str
  plan_sha256:
    description: The RV(plan_sha256) of the plan that was reviewed.
    type: str
  run:
    description: The run whose files are put back.
    type: str
extends_documentation_fragment:
  - lifeboat.frappe.benches
  - lifeboat.frappe.attributes
"""

EXAMPLES = r"""
- name: Delete rotated logs that are older than two weeks, but for the five newest of each folder
  lifeboat.frappe.cleanup:
    rules:
      bench_logs: {older_than_days: 14, keep_newest: 5}
      site_logs: {older_than_days: 14, keep_newest: 5}

- name: Delete old rows of the logs while the site works, and keep them in a file
  lifeboat.frappe.cleanup:
    rules:
      log_tables:
        days: {Version: 365, Error Log: 30}
        archive_path: /var/lib/lifeboat/log-archive
      sessions: {}
      failed_jobs: {older_than_days: 7}

- name: Put back what a run moved to quarantine
  lifeboat.frappe.cleanup:
    state: restored
    run: 20261121T084000123456Z
"""

RETURN = r"""
run:
  description: The id of the run, or of the one that made the plan.
  returned: always
  type: str
plan:
  description: The plan as text, to be reviewed and given to O(plan). Empty with O(state=restored).
  returned: always
  type: str
plan_sha256:
  description: By what the plan is known.
  returned: always
  type: str
rules:
  description:
    - For each rule the items and bytes that go, how many are left for the next run, how many stay protected, and for how many days of
      the growth of its file system that is enough (null where it does not grow, or nobody has kept how it grows).
  returned: always
  type: dict
  sample: {"bench_logs": {"items": 12, "bytes": 73400320, "left_items": 0, "kept_items": 1, "days_gained": 1.5}}
disks:
  description: The file systems on which something goes; their growth is what the health checks saw on this host.
  returned: always
  type: list
  elements: dict
  contains:
    point:
      description: Where it is mounted.
      type: str
    available_bytes:
      description: What was available before.
      type: int
    available_after_bytes:
      description: What is available after it; null in check mode.
      type: int
    bytes:
      description: What it gets back.
      type: int
    growth_bytes_a_day:
      description: By how much what is available shrinks in a day; 0 where it does not, null where that is not known.
      type: float
    days_gained:
      description: For how many days of that growth the bytes are enough.
      type: float
expired_runs:
  description: Runs whose files leave quarantine for good.
  returned: always
  type: list
  elements: str
expired_bytes:
  description: What that gave back.
  returned: always
  type: int
outcomes:
  description: How many files ended how. C(removed), C(quarantined) and C(restored) are done; others say why a file stayed.
  returned: always
  type: dict
tasks:
  description:
    - What became of each thing that goes by other means than files, with C(rule), C(subject), C(outcome), C(count), C(bytes) and C(run)
      (by which O(state=restored) puts files back; empty where none went to quarantine).
    - An outcome is C(done), C(quarantined), C(gone) (nothing is left to do), C(out of time), C(stopped), C(busy) (the server had more to do)
      or C(refused).
  returned: always
  type: list
  elements: dict
refused:
  description: What could not be looked at or must not be touched, with C(rule), C(subject), C(error_code) and C(reason).
  returned: always
  type: list
  elements: dict
noted:
  description: What rules tell and leave as it is, with C(rule), C(subject), C(count), C(bytes) and C(text).
  returned: always
  type: list
  elements: dict
undo_runs:
  description: The runs with which O(state=restored) puts back what was moved to quarantine now.
  returned: always
  type: list
  elements: str
stayed:
  description: The first hundred files that stayed, with C(path) and C(reason).
  returned: always
  type: list
  elements: dict
expected_bytes:
  description: What the disks should have got back.
  returned: always
  type: int
reclaimed_bytes:
  description: What they got back.
  returned: always
  type: int
lines:
  description: All of that for people.
  returned: always
  type: list
  elements: str
held_open:
  description: >-
    Files that are gone but keep their room, with C(path), C(bytes), and C(pid), C(program) and C(owner) of the process that has them open.
  returned: always
  type: list
  elements: dict
"""

import socket
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.catalogue import (
    chosen_ages,
    chosen_tasks,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.choice import Caps
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.plan import decode_plan
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.planning import CleanupRequest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.run import run_clean, run_undo
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    BENCHES_ARGUMENTS,
    benches_of,
    prefer_libraries,
    run,
)


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what was asked for and return the module's result."""
    options = module.params
    benches = benches_of(options)
    request = CleanupRequest(
        state_path=Path(options["state_path"]),
        benches=benches,
        ages=chosen_ages(options["rules"]),
        caps=Caps(options["max_bytes"], options["max_items"], options["max_percent"]),
        timeout_seconds=options["timeout_seconds"],
        protected=tuple(options["protected"]),
        quarantine=options["quarantine"],
        grace_days=options["grace_days"],
        now=time.time(),
        tasks=chosen_tasks(options["rules"]),
    )
    if request.tasks or options["plan"]:
        prefer_libraries(benches)
    if options["state"] == "restored":
        return run_undo(request, options["run"], module.check_mode)
    reviewed = None
    if options["plan"]:
        reviewed = decode_plan(options["plan"].encode(), options["plan_sha256"], socket.gethostname())
    return run_clean(request, reviewed, module.check_mode)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **BENCHES_ARGUMENTS,
            "state": {"type": "str", "choices": ["clean", "restored"], "default": "clean"},
            "rules": {"type": "dict", "default": {}},
            "protected": {"type": "list", "elements": "str", "default": []},
            "max_bytes": {"type": "int", "default": 100 * 1024**3},
            "max_items": {"type": "int", "default": 10000},
            "max_percent": {"type": "int", "default": 100},
            "timeout_seconds": {"type": "float", "default": 600},
            "quarantine": {"type": "bool", "default": False},
            "grace_days": {"type": "int", "default": 7},
            "plan": {"type": "str"},
            "plan_sha256": {"type": "str"},
            "run": {"type": "str"},
        },
        required_if=[("state", "restored", ["run"])],
        required_together=[("plan", "plan_sha256")],
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
