#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archives the binary logs of a server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: binlog_archive
short_description: Archive the binary logs of a MariaDB server without a gap
version_added: 0.1.0
description:
  - Copies the binary logs that the server has ended into an archive, compressed, each with its digest, its transactions and its times, so
    that sites can be recovered to any moment between a backup set and now.
  - Each log is read whole, event by event, with its checksums; it must begin with the transactions that the one before it ended with. What
    was written is read back before it counts. Whenever a run is killed, or the disk becomes full, the archive holds whole files only, and
    the next run goes on.
  - A log that was deleted before it was archived is an error that names it (C(binlog_gap)). An archive is of one server; another one
    (C(binlog_archive_foreign)), and one that began its logs anew (C(binlog_restarted)), are refused.
  - The settings of the server that decide whether its logs can bring anything back are judged; RV(findings) says what is wrong, with the
    statement and the line of the option file that mend it.
  - The archive is in clear, readable by its owner alone, as the server's own logs are.
options:
  site:
    description:
      - A site whose server is meant. Without it, the login options say where the server is.
    type: str
  bench_path:
    description:
      - The folder of the bench. Without it, the one bench of the host that has O(site) is taken.
    type: path
  archive:
    description:
      - The name of the archive, a folder below C(binlogs) in the repository.
      - Without it, the server's own name and its port, C(HOSTNAME-PORT), by which recoveries find it.
    type: str
  source:
    description:
      - V(files) reads the server's files. V(network) asks the server for them, as a replica does, with the program C(mariadb-binlog); the
        account needs the privilege C(REPLICATION SLAVE) for that.
      - V(auto) reads files that are on this host and not encrypted, and asks the server for others.
    type: str
    choices: [auto, files, network]
    default: auto
  flush:
    description:
      - Make the server begin a new log (C(FLUSH BINARY LOGS)) where the archive lacks transactions of the one that it writes, so that the
        archive reaches to now.
    type: bool
    default: true
  accept_gap:
    description:
      - Go on behind logs that were deleted before they were archived. Make new backup sets first; older ones cannot be recovered beyond
        the gap.
    type: bool
    default: false
  compression:
    description:
      - V(auto) is V(zstd) where that is installed, else V(gzip).
    type: str
    choices: [auto, zstd, gzip]
    default: auto
  verify:
    description:
      - Read every file of the archive again and compare it with its digest.
    type: bool
    default: false
  archive_interval_seconds:
    description:
      - How often this runs. The server has to keep its logs for at least four such intervals, and for a day.
    type: int
    default: 3600
  reserve_bytes:
    description:
      - Bytes that must stay free on the file system of the repository.
    type: int
    default: 1073741824
extends_documentation_fragment:
  - lifeboat.frappe.repository
  - lifeboat.frappe.login
  - lifeboat.frappe.attributes
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Archive the binary logs of a site's server up to now
  lifeboat.frappe.binlog_archive:
    site: erp.example.com

- name: Archive the binary logs of a server on another host, every ten minutes
  lifeboat.frappe.binlog_archive:
    login_host: db1.example.com
    login_user: lifeboat
    login_password: "{{ database_password }}"
    archive_interval_seconds: 600

- name: Read the whole archive again
  lifeboat.frappe.binlog_archive:
    site: erp.example.com
    flush: false
    verify: true
"""

RETURN = r"""
plan:
  description: What was, or in check mode would be, done.
  returned: success
  type: dict
  contains:
    flush:
      description: Whether the server is made to begin a new log first.
      type: bool
    files:
      description: The logs to archive.
      type: list
      elements: str
archived:
  description: The logs that were, or in check mode would be, archived.
  returned: success
  type: list
  elements: str
  sample: [binlog.000041, binlog.000042]
flushed:
  description: Whether the server was made to begin a new log.
  returned: success
  type: bool
removed_leftovers:
  description: What a run that was killed had left in the archive.
  returned: success
  type: list
  elements: str
archive:
  description: What the archive holds.
  returned: success
  type: dict
  sample:
    folder: /var/backups/lifeboat/binlogs/db1-3306
    server: {server_uid: "", server_id: 1, hostname: db1, port: 3306}
    files: 42
    first: binlog.000001
    last: binlog.000042
    size_bytes: 4404019200
    stored_bytes: 880803840
    contiguous_from: "2026-11-01T00:00:07Z"
    until: "2026-11-21T03:10:00Z"
    gtids: 0-1-81723
    gaps: []
findings:
  description:
    - Settings of the server that should be others, each with C(variable), C(value), C(wanted), C(severity), C(reason), C(statement) (empty
      where only a restart helps), C(option_line) and C(remedy).
  returned: success
  type: list
  elements: dict
notes:
  description: Sentences about transactions in the logs that were archived over which no recovery goes.
  returned: success
  type: list
  elements: str
"""

import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_archiving import (
    AUTO,
    SOURCES,
    ArchiveRequest,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.binlog_present import bring_archive_up_to_date
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.log_compression import SUFFIXES, best_compression
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.repository import Repository
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    LOGIN_ARGUMENTS,
    REPOSITORY_ARGUMENTS,
    require_pymysql,
    run,
    server_login,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.progress import ProgressReporter


def work(module: AnsibleModule) -> dict[str, Any]:
    """Archive what is missing and return the module's result."""
    options = module.params
    request = ArchiveRequest(
        repository=Repository(Path(options["repository_path"])),
        name=options["archive"],
        login=server_login(options),
        source=options["source"],
        flush=options["flush"],
        accept_gap=options["accept_gap"],
        compression=best_compression() if options["compression"] == AUTO else options["compression"],
        reserve_bytes=options["reserve_bytes"],
    )
    return bring_archive_up_to_date(
        request,
        check_mode=module.check_mode,
        verify=options["verify"],
        archive_interval_seconds=options["archive_interval_seconds"],
        progress=ProgressReporter(),
        now=time.time,
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **LOGIN_ARGUMENTS,
            **REPOSITORY_ARGUMENTS,
            "site": {"type": "str"},
            "bench_path": {"type": "path"},
            "archive": {"type": "str"},
            "source": {"type": "str", "choices": list(SOURCES), "default": AUTO},
            "flush": {"type": "bool", "default": True},
            "accept_gap": {"type": "bool", "default": False},
            "compression": {"type": "str", "choices": [AUTO, *SUFFIXES], "default": AUTO},
            "verify": {"type": "bool", "default": False},
            "archive_interval_seconds": {"type": "int", "default": 3600},
            "reserve_bytes": {"type": "int", "default": 1024**3},
        },
        supports_check_mode=True,
    )
    require_pymysql(module, module.params["bench_path"])
    run(module, work)


if __name__ == "__main__":
    main()
