#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backs a site up."""

from __future__ import annotations

DOCUMENTATION = r"""
module: site_backup
short_description: Back a site up, and prove the backup
version_added: 0.1.0
description:
  - Makes one backup set of one site, its database, its public and private files and its configuration, at one recorded position of the
    binary log. The site is served meanwhile, and no table with transactions is locked.
  - The set is made in a folder that nothing takes for a set. Every file is on the disk, is read again and looked into before the manifest
    is written and the folder gets the name of the set. What fails before is removed; no other set is ever touched.
  - The files of a logical set have the names and the form of C(bench backup), and C(bench restore) takes them.
  - The manifest (C(docs/backup-manifest.schema.json)) names every file with its size and digest, the tables with their rows, and the set
    before it with the digest of its manifest, so that a set that is removed or changed is seen.
  - One backup of a site runs at a time; another one is refused with the error code C(backup_running).
options:
  kinds:
    description:
      - V(logical) is SQL, which every server reads, in the form of C(bench backup).
      - V(physical) are the tables as files, copied by mariadb-backup and prepared for their import, which is many times faster than
        loading SQL. It needs a server of the same series, whose data directory is on this host.
      - With both, the dump is made from a server of its own that imported the copied files. So it is of exactly their moment, the live
        server does not do that work, and the files are proven.
    type: list
    elements: str
    choices: [logical, physical]
    default: [logical]
  compress_tables:
    description:
      - Put the files of tables into one archive, compressed by zstd, which has to be installed. It saves room, and costs time at the recovery.
      - An encrypted set has such an archive in any case; it is compressed where zstd is installed.
    type: bool
    default: false
  max_age_seconds:
    description:
      - Do nothing when the newest set of the site in the repository is of these kinds, is encrypted the same way, is younger
        and is of the database in which the site lives now.
      - V(0) makes a set in any case.
    type: int
    default: 0
  encryption:
    description:
      - V(gpg) encrypts with a passphrase, as C(bench backup) does, and V(age) for the holders of keys that need not be on this host. All files but
        the manifest are encrypted then, the configuration as well.
      - V(none) leaves the configuration with its passwords and keys in clear, readable by the owner of the repository alone.
    type: str
    choices: [none, gpg, age]
    default: none
  encryption_key:
    description: The passphrase for V(gpg). Without it, the C(backup_encryption_key) of the site.
    type: str
  age_recipients:
    description: The public keys for V(age), each C(age1...) or an SSH key. Each of their holders can open the set alone.
    type: list
    elements: str
    default: []
  age_identity:
    description:
      - The text of the private key of one recipient, with which the set is opened again to be looked into.
      - Without it, only the digests of the files are compared with what was written.
    type: str
  reserve_bytes:
    description: Bytes that must stay free on the file system of the repository.
    type: int
    default: 1073741824
extends_documentation_fragment:
  - lifeboat.frappe.site
  - lifeboat.frappe.repository
  - lifeboat.frappe.login
  - lifeboat.frappe.progress
  - lifeboat.frappe.attributes
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Back a site up
  lifeboat.frappe.site_backup:
    site: erp.example.com

- name: Back a site up, encrypted, unless that was done in the last hour
  lifeboat.frappe.site_backup:
    site: erp.example.com
    max_age_seconds: 3600
    encryption: age
    age_recipients:
      - age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p

- name: See what a backup would take
  lifeboat.frappe.site_backup:
    site: erp.example.com
  check_mode: true
"""

RETURN = r"""
plan:
  description: What was, or in check mode would be, done.
  returned: always
  type: dict
  contains:
    needed:
      description: Whether a set is made.
      type: bool
    reason:
      description: Why, or why not.
      type: str
    kinds:
      description: What the set is.
      type: list
      elements: str
    newest:
      description: The newest set before it; empty when there is none.
      type: str
    removes:
      description: What killed backups left, which goes first.
      type: list
      elements: str
    needed_bytes:
      description: What the set may take; 0 when none is made.
      type: int
    free_bytes:
      description: What is free where it goes.
      type: int
set:
  description: The set that was made, or the newest one when that is new enough; empty when there is none.
  returned: always
  type: dict
  sample:
    name: 20261121_031522-erp_example_com
    folder: /var/backups/lifeboat/sites/erp.example.com/20261121_031522-erp_example_com
    kinds: [logical]
    size_bytes: 734003200
    files: 4
    recovery_point: "2026-11-21T03:15:22Z"
    position: {gtid: 0-1-505, file: binlog.000003, offset: 83112}
    encryption: gpg
    encryption_key_fingerprint: 8f434346648f
    tables: 412
    rows: 3124987
    inexact_tables: []
    previous: 20261121_021502-erp_example_com
verified:
  description:
    - V(content) when every file was read again and looked into, V(structure) when only the files' digests were compared because the key is
      elsewhere, empty when no set was made.
  returned: always
  type: str
notes:
  description: Files that the archives could not hold, as sentences.
  returned: always
  type: list
  elements: str
steps:
  description: The steps that were done, with C(name) and C(seconds).
  returned: always
  type: list
  elements: dict
seconds:
  description: How long the backup took.
  returned: always
  type: float
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.encryption import choose_encryption
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.physical_part import tablespace_form
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.present import bring_to_state
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.request import BackupRequest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import find_bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.private_server import PrivateServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.import_jobs import ImportSource
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.tablespaces.tablespace_set import TablespaceSet
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    LOGIN_ARGUMENTS,
    PROGRESS_ARGUMENTS,
    REPOSITORY_ARGUMENTS,
    SITE_ARGUMENTS,
    login_options,
    progress_reporter,
    require_pymysql,
    run,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.base_load import load_into
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.record import recorded
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.tablespace_source import LoadableTablespaces
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter


def import_tables(
    server: PrivateServer, tablespaces: TablespaceSet, database: str, progress: ProgressReporter
) -> Mapping[str, int]:
    """Import tables that nobody has proven yet, read all of their rows, and return how many each has."""
    return load_into(server, LoadableTablespaces(ImportSource(tablespaces, reads_all=True)), database, progress).rows


def work(module: AnsibleModule) -> dict[str, Any]:
    """Make a set unless the newest one will do."""
    options = module.params
    site = find_bench(options["site"], options["bench_path"]).site(options["site"])
    encryption, decryption_key = choose_encryption(
        options["encryption"], options["encryption_key"], options["age_recipients"], options["age_identity"], site
    )
    request = BackupRequest(
        site=site,
        repository=Repository(Path(options["repository_path"])),
        login=login_options(options),
        kinds=tuple(sorted(set(options["kinds"]))),
        form=tablespace_form(options["compress_tables"], bool(encryption.method)),
        import_tables=import_tables,
        encryption=encryption,
        decryption_key=decryption_key,
        max_age_seconds=options["max_age_seconds"],
        reserve_bytes=options["reserve_bytes"],
    )
    what = {"module": "site_backup", "site": site.name, "kinds": options["kinds"]}
    return bring_to_state(
        request, module.check_mode, progress_reporter(options), lambda: recorded(Path(options["state_path"]), **what)
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN_ARGUMENTS,
            **PROGRESS_ARGUMENTS,
            **REPOSITORY_ARGUMENTS,
            **SITE_ARGUMENTS,
            "kinds": {"type": "list", "elements": "str", "choices": ["logical", "physical"], "default": ["logical"]},
            "compress_tables": {"type": "bool", "default": False},
            "max_age_seconds": {"type": "int", "default": 0},
            "encryption": {"type": "str", "choices": ["none", "gpg", "age"], "default": "none"},
            "encryption_key": {"type": "str", "no_log": True},
            "age_recipients": {"type": "list", "elements": "str", "default": []},
            "age_identity": {"type": "str", "no_log": True},
            "reserve_bytes": {"type": "int", "default": 1024**3},
        },
        supports_check_mode=True,
    )
    require_pymysql(module, module.params["bench_path"])
    run(module, work)


if __name__ == "__main__":
    main()
