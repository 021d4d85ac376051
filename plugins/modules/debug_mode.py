#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turn debug mode of sites on for a bounded time."""

from __future__ import annotations

DOCUMENTATION = r"""
module: debug_mode
short_description: Turn debug mode of sites on for a bounded time
version_added: 0.1.0
description:
  - Turns Frappe's logging and its monitor on for sites, and the slow log of their database server, for O(minutes). Then everything is
    exactly as it was, whatever became of the controller. A timer of systemd on the host sees to it, which the role
    P(lifeboat.frappe.debug#role) installs. Before the first change, the timer is started and its program has to prove that it could end this.
  - What already tells more stays as it is. What somebody changes meanwhile stays as well, and is named at the end.
  - What is on and what was before lies on the host's disk before the first change. After a kill, a reboot or a restart of the server, the
    end is the same. While the server is down, the timer tries again every minute.
  - Another run with the same O(minutes) changes nothing; with others, the time begins anew, and the first values are what comes back.
  - Each site has its own time. The slow log of a server ends with the last site that needs it.
  - It ends early when half of O(min_free_percent) is left on a disk of its logs.
  - While it is on, the login is kept on the host in O(state_path), readable for root alone, for the end; an administrator who logs in by
    C(unix_socket) leaves no password there. It is deleted at the end.
  - The variables of the server are global. Connections that are open keep theirs, which are short with Frappe.
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
options:
  state:
    description: Whether debug mode is to be on, or to end at once.
    type: str
    choices: [present, absent]
    default: present
  site:
    description: The site. Without it, all sites of the benches; with O(state=absent), all that are in debug mode.
    type: str
  minutes:
    description: For how long, from V(1) to V(1440).
    type: int
    default: 30
  logging:
    description:
      - Frappe's C(logging). V(1) logs what fails and sends messages of C(frappe.log) along with answers; V(2) sends every query, with its values,
        along with each answer to the browser as well; V(0) leaves it.
    type: int
    choices: [0, 1, 2]
    default: 1
  monitor:
    description: Whether Frappe writes a line for each request and job to C(logs/monitor.json.log) of the bench.
    type: bool
    default: true
  slow_log:
    description: Whether the database server is to log slow statements.
    type: bool
    default: true
  long_query_seconds:
    description: From how long on a statement is slow. Where the log is on already, the shorter time counts.
    type: float
    default: 0.5
  max_log_bytes:
    description: How large the slow log of debug mode may become, with its old generation. It is kept so where the server runs on this host.
    type: int
    default: 1073741824
  min_free_percent:
    description: How much must be free on the disks of the logs.
    type: float
    default: 10
  remove_logs:
    description: With O(state=absent), whether the slow logs that debug mode had made are deleted, once nothing is in debug mode any more.
    type: bool
    default: false
  allow_without_timer:
    description:
      - Whether debug mode may be turned on where no timer can end it, for lack of systemd or of the role's units. It then lasts until a
        run with O(state=absent), whatever O(minutes) says.
    type: bool
    default: false
extends_documentation_fragment:
  - lifeboat.frappe.benches
  - lifeboat.frappe.login
  - lifeboat.frappe.attributes
"""

EXAMPLES = r"""
- name: See for half an hour what a site does
  lifeboat.frappe.debug_mode:
    site: erp.example.com
    minutes: 30

- name: End it now, and delete the slow log
  lifeboat.frappe.debug_mode:
    site: erp.example.com
    state: absent
    remove_logs: true
"""

RETURN = r"""
sites:
  description: The sites that are, or in check mode would be, in debug mode, with C(site), C(until) and C(values).
  returned: always
  type: list
  elements: dict
  sample: [{"site": "erp.example.com", "until": "2026-11-21T10:30:00+00:00", "values": {"logging": 1, "monitor": 1}}]
servers:
  description: The servers that log their slow statements for it, with C(address), C(variables) and C(slow_log) (empty where it lies elsewhere).
  returned: always
  type: list
  elements: dict
has_timer:
  description: Whether a timer can end it.
  returned: always
  type: bool
files:
  description: The files in which it gathers, or gathered, what happens, with C(path) and C(bytes).
  returned: always
  type: list
  elements: dict
notes:
  description: What stayed at the end as somebody else had changed it, and what was gone.
  returned: always
  type: list
  elements: str
lines:
  description: All of that for people.
  returned: always
  type: list
  elements: str
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import (
    Bench,
    Site,
    bench_at,
    find_bench,
    find_benches,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.begin import DebugRequest, run_present
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.end import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.report import report
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.run import EndRequest, run_absent
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import (
    BENCHES_ARGUMENTS,
    LOGIN_ARGUMENTS,
    prefer_libraries,
    run,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.login import administrator_login

# Options that the request takes as they are.
TAKEN = ("minutes", "logging", "monitor", "long_query_seconds", "min_free_percent", "max_log_bytes")


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what was asked for and return the module's result."""
    options = module.params
    around = Surroundings()
    benches = _benches(options)
    prefer_libraries(benches)
    state_path = Path(options["state_path"])
    if options["state"] == "absent":
        bench_path = str(Path(options["bench_path"]).resolve()) if options["bench_path"] else ""
        site = options["site"] or ""
        request = EndRequest(site, bench_path, state_path, options["remove_logs"], module.check_mode)
        return report(run_absent(request, around), around)
    sites = _sites(options, benches)
    return report(
        run_present(
            DebugRequest(
                sites=tuple(sites),
                logins=_logins(options, sites) if options["slow_log"] else {},
                state_path=state_path,
                allow_without_timer=options["allow_without_timer"],
                check_mode=module.check_mode,
                **{name: options[name] for name in TAKEN},
            ),
            around,
        ),
        around,
    )


def _benches(options: dict[str, Any]) -> list[Bench]:
    return [bench_at(options["bench_path"])] if options["bench_path"] else find_benches(options["search_paths"])


def _sites(options: dict[str, Any], benches: list[Bench]) -> list[Site]:
    if options["site"] or not benches:
        name = options["site"] or "any site"
        return [find_bench(name, options["bench_path"], options["search_paths"]).site(name)]
    return [site for bench in benches for site in bench.sites()]


def _logins(options: dict[str, Any], sites: list[Site]) -> dict[str, LoginOptions]:
    given = LoginOptions(**{name: options[name] for name in LOGIN_ARGUMENTS})
    # What the option file says now is kept for the end, not the file, which may be another one then.
    return {site.name: replace(administrator_login(given, site.bench, site.name), config_file=None) for site in sites}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **BENCHES_ARGUMENTS,
            **LOGIN_ARGUMENTS,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "site": {"type": "str"},
            "minutes": {"type": "int", "default": 30},
            "logging": {"type": "int", "choices": [0, 1, 2], "default": 1},
            "monitor": {"type": "bool", "default": True},
            "slow_log": {"type": "bool", "default": True},
            "long_query_seconds": {"type": "float", "default": 0.5},
            "max_log_bytes": {"type": "int", "default": 1024**3},
            "min_free_percent": {"type": "float", "default": 10},
            "remove_logs": {"type": "bool", "default": False},
            "allow_without_timer": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
