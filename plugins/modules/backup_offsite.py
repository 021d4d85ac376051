#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies backup sets off-site with restic, and fetches them back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_offsite
short_description: Copy backup sets off-site with restic, and fetch them back
version_added: 0.1.0
description:
  - With O(state=copied), each whole set of the site in the local repository gets a snapshot in a restic repository, tagged with the
    site and the set. A set is compared with its manifest before it is copied, and its copy is read back and compared, byte for byte,
    afterwards. What is there already is not copied again. Holds (M(lifeboat.frappe.backup_hold)) are written to the copies.
    The archive of binary logs behind the sets (M(lifeboat.frappe.binlog_archive)) is copied and read back as well, what is new of it.
  - With O(state=fetched), the set that a recovery would take is fetched into the local repository when it is not there, or was changed
    there. It gets its name only when every byte of it is what its manifest says. Where O(recover_to) or O(undo) leads beyond the set,
    the binary logs that the host's archive lacks are fetched too.
  - With O(state=retained), the copies of sets that no rule keeps are forgotten, by the rules of M(lifeboat.frappe.backup_retention).
    Only copies that were read back whole replace others. The space is freed when the repository is pruned, see O(prune).
options:
  site:
    description: The site.
    type: str
    required: true
  bench_path:
    description: The folder of the bench, to see the site's own backups with O(state=fetched). It need not exist any more.
    type: path
  state:
    description: What to do.
    type: str
    choices: [copied, fetched, retained]
    default: copied
  create:
    description: Make the restic repository where there is none.
    type: bool
    default: false
  check:
    description: With O(state=copied), which copies are read back; V(new) are those that were never read whole.
    type: str
    choices: [new, all]
    default: new
  recover_to:
    description: With O(state=fetched), where to, as in M(lifeboat.frappe.site_recovery).
    type: str
  undo:
    description: With O(state=fetched), the GTID of a transaction to undo, as in M(lifeboat.frappe.site_recovery).
    type: str
  state_path:
    description: Where the collection keeps its journals on the host.
    type: path
    default: /var/lib/lifeboat
  reserve_bytes:
    description: With O(state=fetched), bytes that must stay free.
    type: int
    default: 1073741824
  prune:
    description:
      - With O(state=retained), also free the space of what was forgotten. It reads and writes much, and keeps other hosts from
        the restic repository meanwhile.
    type: bool
    default: false
extends_documentation_fragment:
  - lifeboat.frappe.repository
  - lifeboat.frappe.offsite
  - lifeboat.frappe.retention
  - lifeboat.frappe.attributes
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Copy what is not off-site yet
  lifeboat.frappe.backup_offsite:
    site: erp.example.com
    offsite_repository: s3:https://s3.example.com/backups/erp
    offsite_password: "{{ restic_password }}"
    s3_access_key_id: "{{ s3_key_id }}"
    s3_secret_access_key: "{{ s3_key }}"

- name: Fetch the newest set, where the host's own are gone
  lifeboat.frappe.backup_offsite:
    site: erp.example.com
    state: fetched
    offsite_repository: /mnt/offsite/restic
    offsite_password: "{{ restic_password }}"
"""

RETURN = r"""
created:
  description: Whether the restic repository was made.
  returned: always
  type: bool
copied:
  description: The sets that were copied, each with C(name) and C(size_bytes).
  returned: always
  type: list
  elements: dict
checked:
  description: Copies besides the new ones that were read back, by the names of their sets.
  returned: always
  type: list
  elements: str
held:
  description: Copies that are held from now on, by the names of their sets.
  returned: always
  type: list
  elements: str
released:
  description: Copies that are held no more, by the names of their sets.
  returned: always
  type: list
  elements: str
logs_copied:
  description: The binary logs that were copied, by their names.
  returned: always
  type: list
  elements: str
chosen:
  description: With O(state=fetched), the set that a recovery would begin with, with C(name), C(folder) and C(size_bytes); else empty.
  returned: always
  type: dict
fetched:
  description: RV(chosen), when it had to be fetched.
  returned: always
  type: list
  elements: dict
logs_fetched:
  description: The binary logs that the archive lacked and were fetched, by their names.
  returned: always
  type: list
  elements: str
fetch_seconds:
  description: How long that took; 0 where nothing was fetched.
  returned: always
  type: float
kept:
  description: With O(state=retained), the sets whose copies stay, with C(name), C(recovery_point), C(size_bytes) and C(reasons).
  returned: always
  type: list
  elements: dict
removed:
  description: The sets whose copies were forgotten, as in RV(kept).
  returned: always
  type: list
  elements: dict
forgotten:
  description: The snapshots that were forgotten.
  returned: always
  type: list
  elements: str
removed_stale_locks:
  description: Whether locks of dead processes stood in the way and were removed.
  returned: always
  type: bool
"""

from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.offsite_run import (
    copy_sets,
    fetch,
    local_sets,
    retain_copies,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.restic_repository import ResticRepository
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.sets import BackupSet
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    OFFSITE_ARGUMENTS,
    REPOSITORY_ARGUMENTS,
    RETENTION_ARGUMENTS,
    STATE_PATH,
    offsite_repository,
    retention_policy,
    run,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.set_to_fetch import (
    known_lives,
    needs_logs,
    set_to_fetch,
)

NOTHING: dict[str, Any] = {
    "created": False,
    "chosen": {},
    **{name: [] for name in ("copied", "checked", "held", "released", "logs_copied", "fetched", "logs_fetched")},
    **{name: [] for name in ("kept", "removed", "forgotten")},
    "fetch_seconds": 0.0,
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Go to the wanted state, or tell what that would do."""
    restic = offsite_repository(module.params)
    result = _STATES[module.params["state"]](module, restic)
    return {**NOTHING, **result, "removed_stale_locks": restic.removed_stale_locks}


def _site_folder(module: AnsibleModule) -> Path:
    return Repository(Path(module.params["repository_path"])).site_folder(module.params["site"])


def _copied(module: AnsibleModule, restic: ResticRepository) -> dict[str, Any]:
    options = module.params
    return copy_sets(
        restic,
        options["site"],
        _site_folder(module),
        datetime.now(timezone.utc),
        create=options["create"],
        check_all=options["check"] == "all",
        dry_run=module.check_mode,
    )


def _fetched(module: AnsibleModule, restic: ResticRepository) -> dict[str, Any]:
    options = module.params
    site, bench_path = options["site"], options["bench_path"]

    def choose(sets: Sequence[BackupSet]) -> BackupSet | None:
        lives = known_lives(sets, site, bench_path, Path(options["state_path"]))
        return set_to_fetch(sets, options["recover_to"], options["undo"], lives)

    return fetch(
        restic,
        local_sets(site, bench_path, Repository(Path(options["repository_path"]))),
        site,
        _site_folder(module),
        datetime.now(timezone.utc),
        choose=choose,
        replays=lambda sets: needs_logs(sets, options["recover_to"], options["undo"]),
        reserve_bytes=options["reserve_bytes"],
        dry_run=module.check_mode,
    )


def _retained(module: AnsibleModule, restic: ResticRepository) -> dict[str, Any]:
    options = module.params
    return retain_copies(
        restic,
        options["site"],
        _site_folder(module),
        retention_policy(options),
        datetime.now(timezone.utc),
        prune=options["prune"],
        dry_run=module.check_mode,
    )


_STATES = {"copied": _copied, "fetched": _fetched, "retained": _retained}


def main() -> None:
    """Run the module."""
    spec = {
        **REPOSITORY_ARGUMENTS,
        **OFFSITE_ARGUMENTS,
        **RETENTION_ARGUMENTS,
        "site": {"type": "str", "required": True},
        "bench_path": {"type": "path"},
        "state": {"type": "str", "choices": list(_STATES), "default": "copied"},
        "create": {"type": "bool", "default": False},
        "check": {"type": "str", "choices": ["new", "all"], "default": "new"},
        "recover_to": {"type": "str"},
        "undo": {"type": "str"},
        "state_path": {"type": "path", "default": STATE_PATH},
        "reserve_bytes": {"type": "int", "default": 1024**3},
        "prune": {"type": "bool", "default": False},
    }
    module = AnsibleModule(
        argument_spec=spec,
        required_together=[("offsite_repository", "offsite_password")],
        required_if=[("state", state, ["offsite_repository"]) for state in _STATES],
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
