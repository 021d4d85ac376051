#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists backup sets with a verdict on each."""

from __future__ import annotations

DOCUMENTATION = r"""
module: backup_info
short_description: List backup sets with a verdict on each
version_added: 0.1.0
description:
  - Finds the artifacts that C(bench backup) wrote, puts those of one run together to a set, and judges each set. The sets of the
    collection's own repository have a manifest, and are judged by it.
  - A set is C(complete), C(partial) (its dump leaves tables out), C(broken) or C(unreadable) (encrypted without its key, or not
    to be read at all), with the reasons. A set without archives of files is complete for the database; what it lacks is in
    C(missing_kinds).
  - The time in a name is in the site's own time zone and is never used. The recovery point comes from the header that the dump
    was compressed with, else from its last line, else from the file's time; C(recovery_point_source) says which.
  - Nothing is changed; an encrypted artifact is decrypted through a pipe.
options:
  site:
    description:
      - List only sets whose names say this site, or no site at all.
      - Without O(paths), its own backups are listed. Where no bench has the site any more, those of the repository are.
    type: str
  bench_path:
    description:
      - The folder of the bench. Without it, the one bench of the host that has the site is taken.
    type: path
  paths:
    description:
      - Folders with artifacts, flat or with one folder a set.
      - Without it, C(private/backups) of O(site), the C(backup_path) of its configuration, and the site's folder in
        O(repository_path).
    type: list
    elements: path
  verify:
    description:
      - How deep to look. V(names) trusts names and sizes; V(structure) reads every byte (the digests of a manifest, checksums to
        the end, the dump's last line, the listing of the archives, the number of tables); V(content) parses every statement as
        well and counts the rows.
    type: str
    choices: [names, structure, content]
    default: names
  encryption_key:
    description:
      - The passphrase of encrypted artifacts.
      - Without it, the C(backup_encryption_key) of the set's own configuration, else that of the live site.
    type: str
  recover_to:
    description:
      - The name of a set, or a moment (RFC 3339 with an offset), to see which set a recovery would take for it. For a moment that
        is the newest complete set at or before it, and without this option the newest complete set.
    type: str
  member_limit:
    description:
      - Files and folders above which an archive counts as a bomb and is broken.
    type: int
    default: 1000000
  state_path:
    description:
      - Where the collection keeps its records on the host, those of drills among them.
    type: path
    default: /var/lib/lifeboat
extends_documentation_fragment:
  - lifeboat.frappe.repository
  - lifeboat.frappe.offsite
  - lifeboat.frappe.attributes.read_only
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: List the sets of a site
  lifeboat.frappe.backup_info:
    site: erp.example.com
  register: backups

- name: Read every byte of the sets in another place
  lifeboat.frappe.backup_info:
    paths:
      - /mnt/offsite/erp.example.com
    verify: structure
    encryption_key: "{{ backup_encryption_key }}"

- name: See what a recovery to this morning would use
  lifeboat.frappe.backup_info:
    site: erp.example.com
    recover_to: "2026-11-21T08:40:00+05:30"
"""

RETURN = r"""
sets:
  description: The sets, newest recovery point first.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The name to give as O(recover_to).
      type: str
      sample: 20261121_084000-erp_example_com
    folder:
      description: Where the artifacts lie.
      type: str
    site:
      description: The site whose files the archives hold; V(null) before they were read.
      type: str
    slug:
      description: The site as the names say it, with C(_) for C(.); empty when they do not.
      type: str
    kinds:
      description: C(logical) (SQL), C(physical) (files of tables) or both; empty when its manifest cannot be understood.
      type: list
      elements: str
    position:
      description: The recovery point in the binary log, with C(gtid), C(file) and C(offset); V(null) where it is not known.
      type: dict
    location:
      description: C(local), or C(offsite) for a set that has to be fetched first.
      type: str
    offsite:
      description:
        - Its copy in O(offsite_repository), with C(repository), C(snapshot), C(copied_at), C(checked_at) (when it was read back
          whole, empty when it never was) and C(problem); V(null) when there is none, or when nobody asked.
      type: dict
    held:
      description: Whether somebody holds it, so that no retention removes it.
      type: bool
    last_drill:
      description: The newest drill of the set, with C(drill), C(at), C(outcome), C(reason) and C(seconds); V(null) when it was never proven.
      type: dict
    proven_at:
      description: When its tablespaces were imported and read by a server; empty while they were not.
      type: str
    verdict:
      description: C(complete), C(partial), C(broken) or C(unreadable), as far as C(depth) looked.
      type: str
    reasons:
      description: Sentences that say why it is not complete.
      type: list
      elements: str
    depth:
      description: How deep the verdict looked.
      type: str
    recovery_point:
      description: The moment that the data is of, in UTC.
      type: str
      sample: "2026-11-21T03:10:00Z"
    recovery_point_source:
      description: C(gzip_header), C(dump_footer), C(file_mtime) or C(manifest).
      type: str
    size_bytes:
      description: The size of all artifacts.
      type: int
    encrypted:
      description: Whether an artifact is encrypted, whatever its name says.
      type: bool
    encryption_key_source:
      description: C(option), C(set) or C(site); empty when no key is needed or known.
      type: str
    partial:
      description: Whether the dump leaves tables out.
      type: bool
    missing_kinds:
      description: Kinds of artifacts that the set does not have.
      type: list
      elements: str
    artifacts:
      description: The files, each with C(kind), C(path), C(size_bytes) and C(encrypted).
      type: list
      elements: dict
    versions:
      description: App to version; empty before the dump was read.
      type: dict
    database_name:
      description: The database that was dumped; empty before the dump was read.
      type: str
    table_count:
      description: Tables that the dump creates; V(null) before it was read.
      type: int
    rows:
      description: Table to number of rows; V(null) unless O(verify=content).
      type: dict
    sql_bytes:
      description: The size of the dump as text; V(null) before it was read.
      type: int
    files:
      description: Kind of archive to its number of files and their bytes; empty before they were read.
      type: dict
    insecure_permissions:
      description: Artifacts that everybody on the host may read.
      type: list
      elements: str
chosen:
  description: The set that a recovery would take, as in RV(sets); V(null) when there is none and O(recover_to) is not given.
  returned: always
  type: dict
passed_over:
  description: Newer sets that were passed over for RV(chosen), each with C(name), C(folder), C(verdict) and C(reason).
  returned: always
  type: list
  elements: dict
insecure_permissions:
  description: Folders in which others may put or replace artifacts.
  returned: always
  type: list
  elements: str
chain:
  description:
    - Sets of the repository that are missing though nobody removed them on purpose, or that were changed after they were made, each
      with C(set), C(finding) (V(missing) or V(changed)) and C(text).
  returned: always
  type: list
  elements: dict
leftovers:
  description: Folders of sets that are being made or removed at this moment, or that a killed run left; they are no sets.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.archives import MEMBER_LIMIT
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.inventory import take_inventory
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.sets import DEPTHS, NAMES
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Site, find_bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    OFFSITE_ARGUMENTS,
    REPOSITORY_ARGUMENTS,
    STATE_PATH,
    offsite_repository,
    run,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def work(module: AnsibleModule) -> dict[str, Any]:
    """Return the catalogue and the choice."""
    options = module.params
    return take_inventory(
        [Path(path) for path in options["paths"] or ()],
        options["site"],
        find_live_site(options),
        repository=Repository(Path(options["repository_path"])),
        state_path=Path(options["state_path"]),
        offsite=offsite_repository(options) if options["offsite_repository"] else None,
        depth=options["verify"],
        encryption_key=options["encryption_key"],
        recover_to=options["recover_to"],
        member_limit=options["member_limit"],
    )


def find_live_site(options: dict[str, Any]) -> Site | None:
    """Return the site on this host; where its sets are known to lie elsewhere, it may as well be gone."""
    if options["site"] is None:
        return None
    try:
        return find_bench(options["site"], options["bench_path"]).site(options["site"])
    except LifeboatError:
        kept = Repository(Path(options["repository_path"])).site_folder(options["site"])
        elsewhere = options["paths"] or options["offsite_repository"] or kept.is_dir()
        if options["bench_path"] or not elsewhere:
            raise
        return None


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "site": {"type": "str"},
            "bench_path": {"type": "path"},
            "paths": {"type": "list", "elements": "path"},
            "verify": {"type": "str", "choices": list(DEPTHS), "default": NAMES},
            "encryption_key": {"type": "str", "no_log": True},
            "recover_to": {"type": "str"},
            "member_limit": {"type": "int", "default": MEMBER_LIMIT},
            **REPOSITORY_ARGUMENTS,
            **OFFSITE_ARGUMENTS,
            "state_path": {"type": "path", "default": STATE_PATH},
        },
        required_one_of=[("site", "paths")],
        required_together=[("offsite_repository", "offsite_password")],
        required_by={"offsite_repository": ["site"]},
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
