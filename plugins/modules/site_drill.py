#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recovers a site in a scratch place, proves and measures it, and removes everything."""

from __future__ import annotations

DOCUMENTATION = r"""
module: site_drill
short_description: Recover a site in a scratch place to prove its backups and to measure the time
version_added: 0.1.0
description:
  - Recovers a site as far as the promotion would begin, in a folder and a MariaDB server of its own, so that nothing live can be hit. The
    live server is only asked, in a session that may not write.
  - Proves more than a recovery has time for. Every row and key of every table is read, rows are compared with what the set says, a stored
    secret is opened, the newest document must be of the time that the set says, the books of ERPNext must balance, the bench must have
    the apps, and files are compared with what the database knows of them.
  - Measures each phase, removes everything, also after a failure, and leaves a record in C(STATE_PATH/SITE/drills.jsonl). What a drill that
    was killed has left is removed and recorded by the next one.
  - Fails when a proof fails, when the recovery takes longer than O(rto_budget_seconds), or when it takes more than O(slowdown_limit) times
    the median of the last five comparable drills. The record is then in RV(ignore:details).
  - With O(offsite_repository) a copy is fetched from there into the scratch place and drilled, in place of a set of the host. It shows that
    copies come back, and how long that takes.
  - One drill of a site runs at a time. It does not take the lock of recoveries; neither disturbs the other.
options:
  drill_point:
    description:
      - What is recovered. V(newest) is the newest set, and every Nth time an older one, see O(older_every).
      - V(random) is a random second of the window to which the site can be recovered; it needs the archive of binary logs.
    type: str
    choices: [newest, random]
    default: newest
  recover_to:
    description:
      - A set or a moment to drill, written as for M(lifeboat.frappe.site_recovery), in place of O(drill_point).
    type: str
  older_every:
    description:
      - Which drill of a site takes an older set than the newest. V(5) is each fifth, V(0) is none. Which one follows from the number of
        drills alone.
    type: int
    default: 5
  paths:
    description:
      - Folders with backup sets. Without it, the site's own folder of backups and that in O(repository_path).
    type: list
    elements: path
    default: []
  encryption_key:
    description:
      - The passphrase of encrypted artifacts.
      - Without it, the C(backup_encryption_key) of the set's own configuration, else that of the live site.
    type: str
  rto_budget_seconds:
    description:
      - How long a recovery may take up to its promotion. The proofs that only a drill has and the cleaning up do not count. V(0) for no budget.
    type: float
    default: 0
  slowdown_limit:
    description:
      - How many times the median of the last five comparable drills a recovery may take; judged when there are three. Comparable are
        drills that recovered in the same way (logical, physical, with a replay, from off-site). V(0) for no limit.
    type: float
    default: 1.5
  freshness_seconds:
    description:
      - How much older than the recovery point the newest document of the site may be. V(0) does not look.
    type: float
    default: 86400
  scratch_path:
    description:
      - A folder on a file system with room for the whole site, in which the scratch place is made.
    type: path
  reserve_bytes:
    description:
      - Bytes that must stay free where the scratch place is.
    type: int
    default: 1073741824
  textfile_path:
    description:
      - A file for the textfile collector of the node_exporter (C(.prom)), which gets the last drill of every site of the host.
    type: path
extends_documentation_fragment:
  - lifeboat.frappe.site
  - lifeboat.frappe.login
  - lifeboat.frappe.progress
  - lifeboat.frappe.repository
  - lifeboat.frappe.offsite
  - lifeboat.frappe.attributes
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Prove the newest backup, and that a recovery takes less than half an hour
  lifeboat.frappe.site_drill:
    site: erp.example.com
    rto_budget_seconds: 1800

- name: Prove that the newest copy off-site comes back
  lifeboat.frappe.site_drill:
    site: erp.example.com
    offsite_repository: s3:https://s3.example.com/backups/erp
    offsite_password: "{{ vault_restic_password }}"

- name: Drill a set by its name
  lifeboat.frappe.site_drill:
    site: erp.example.com
    recover_to: 20261121_020000-erp_example_com
"""

RETURN = r"""
plan:
  description: What was, or in check mode would be, drilled, as far as a glance tells.
  returned: always
  type: dict
  contains:
    site:
      description: The site.
      type: str
    number:
      description: The number of this drill among those of the site.
      type: int
    point:
      description: What is recovered (C(recover_to)), the C(choice) and a sentence (C(text)) that says why.
      type: dict
    set:
      description: The set; none when a moment was asked for.
      type: dict
    scratch:
      description: The folder in which the scratch place is made.
      type: str
record:
  description: The record of the drill, in the shape of C(docs/drill-record.schema.json); empty in check mode.
  returned: always
  type: dict
  contains:
    drill:
      description: The identifier of the drill.
      type: str
    outcome:
      description: V(passed); when it is V(failed), the record is in the details of the error.
      type: str
    rto_seconds:
      description: How long a recovery would have taken up to its promotion.
      type: float
    phases:
      description: Each phase with C(name), C(seconds), C(bytes) and C(outcome).
      type: list
      elements: dict
    findings:
      description: Each proof with C(name), C(outcome) (ok, failed, skipped) and C(text).
      type: list
      elements: dict
history:
  description: The comparable drills before this one, oldest first, with C(at), C(seconds) and C(outcome).
  returned: always
  type: list
  elements: dict
"""

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import find_bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.point import NEWEST, RANDOM
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.request import (
    FRESHNESS_SECONDS,
    OLDER_EVERY,
    DrillRequest,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.run import plan_drill, raise_failed, run_drill
from ansible_collections.lifeboat.frappe.plugins.module_utils._drill.trend import SLOWDOWN_LIMIT
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    LOGIN_ARGUMENTS,
    OFFSITE_ARGUMENTS,
    PROGRESS_ARGUMENTS,
    REPOSITORY_ARGUMENTS,
    SITE_ARGUMENTS,
    login_options,
    offsite_repository,
    progress_reporter,
    require_pymysql,
    run,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._reports.drill_textfile import write_drill_textfile


def request_of(options: dict[str, Any]) -> DrillRequest:
    """Return what the options ask for."""
    scratch_path = options["scratch_path"]
    return DrillRequest(
        site=find_bench(options["site"], options["bench_path"]).site(options["site"]),
        state_path=Path(options["state_path"]),
        login=login_options(options),
        repository=Repository(Path(options["repository_path"])),
        offsite=offsite_repository(options) if options["offsite_repository"] else None,
        paths=tuple(map(Path, options["paths"])),
        encryption_key=options["encryption_key"],
        point=options["drill_point"],
        recover_to=options["recover_to"] or "",
        older_every=options["older_every"],
        rto_budget_seconds=options["rto_budget_seconds"],
        slowdown_limit=options["slowdown_limit"],
        freshness_seconds=options["freshness_seconds"],
        scratch_path=Path(scratch_path) if scratch_path else None,
        reserve_bytes=options["reserve_bytes"],
    )


def now() -> datetime:
    """Return the time."""
    return datetime.now(timezone.utc)


def work(module: AnsibleModule) -> dict[str, Any]:
    """Drill the site, or say what would be drilled."""
    options = module.params
    request = request_of(options)
    plan = plan_drill(request, now)
    if module.check_mode:
        return {"changed": True, "plan": plan, "record": {}, "history": []}
    result = run_drill(request, progress_reporter(options), now)
    try:
        if options["textfile_path"]:
            write_drill_textfile(Path(options["textfile_path"]), request.state_path)
    finally:  # that a drill failed matters more than that this could not be told to everyone
        raise_failed(result)
    return {"changed": True, "plan": plan, "record": result.record, "history": result.history}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **SITE_ARGUMENTS,
            **LOGIN_ARGUMENTS,
            **PROGRESS_ARGUMENTS,
            **REPOSITORY_ARGUMENTS,
            **OFFSITE_ARGUMENTS,
            "drill_point": {"type": "str", "choices": [NEWEST, RANDOM], "default": NEWEST},
            "recover_to": {"type": "str"},
            "older_every": {"type": "int", "default": OLDER_EVERY},
            "paths": {"type": "list", "elements": "path", "default": []},
            "encryption_key": {"type": "str", "no_log": True},
            "rto_budget_seconds": {"type": "float", "default": 0},
            "slowdown_limit": {"type": "float", "default": SLOWDOWN_LIMIT},
            "freshness_seconds": {"type": "float", "default": FRESHNESS_SECONDS},
            "scratch_path": {"type": "path"},
            "reserve_bytes": {"type": "int", "default": 1024**3},
            "textfile_path": {"type": "path"},
        },
        required_together=[("offsite_repository", "offsite_password")],
        supports_check_mode=True,
    )
    require_pymysql(module, module.params["bench_path"])
    run(module, work)


if __name__ == "__main__":
    main()
