#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Set keys of a site's or a bench's configuration, and put them back as they were."""

from __future__ import annotations

DOCUMENTATION = r"""
module: site_config
short_description: Set keys of a site's or a bench's configuration, and put them back as they were
version_added: 0.1.0
description:
  - Changes keys of C(site_config.json) of a site, or of C(common_site_config.json) of a bench, by one atomic rename. The other keys,
    the order of the keys, the form, the mode and the owner of the file stay as they are.
  - Values get the type in which Frappe reads them. The text C("0"), which a template makes of a zero, would count as on.
  - With O(remember_as) the values that the keys had are kept on the host, and O(state=restored) puts exactly them back,
    each in its place.
  - The difference shows no secret, neither in a nested value nor in the address of a server.
  - A file that is not valid JSON is refused, and so is a change of the keys that say which data the site has (C(db_name),
    C(db_password), C(encryption_key) and the like), which M(lifeboat.frappe.site_promotion) changes together with the data.
  - Frappe 15 reads the configuration on every request. Web processes of Frappe 16 follow within 60 seconds.
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
options:
  site:
    description: The name of the site, as its folder in C(sites/) is called. Without it the configuration of the bench is meant.
    type: str
  bench_path:
    description: The folder of the bench. Without it, the one bench of the host that has the site is taken.
    type: path
  state_path:
    description: Where the collection keeps its locks, remembered values and records on the host.
    type: path
    default: /var/lib/lifeboat
  state:
    description: Whether the keys are to be as given here, or as they were before O(remember_as).
    type: str
    choices: [present, restored]
    default: present
  values:
    description: Keys and their values. A key whose name says that it holds a secret is refused here.
    type: dict
    default: {}
  secret_values:
    description: Keys and values that are secrets, like C(mail_password). They are neither shown nor logged.
    type: dict
    default: {}
  absent:
    description: Keys that are not to be there.
    type: list
    elements: str
    default: []
  remember_as:
    description:
      - A name under which the values that the keys had are remembered. A value that is remembered already stays remembered.
    type: str
extends_documentation_fragment:
  - lifeboat.frappe.attributes
"""

EXAMPLES = r"""
- name: Keep failed jobs for two days
  lifeboat.frappe.site_config:
    bench_path: /home/frappe/frappe-bench
    values:
      rq_job_failure_ttl: 172800

- name: Mute the emails of a site, and remember how it was
  lifeboat.frappe.site_config:
    site: erp.example.com
    values:
      mute_emails: 1
    remember_as: rehearsal

- name: Back to how it was
  lifeboat.frappe.site_config:
    site: erp.example.com
    state: restored
    remember_as: rehearsal
"""

RETURN = r"""
path:
  description: The file that was, or in check mode would be, changed.
  returned: always
  type: str
keys:
  description: The keys that were, or would be, changed.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import find_bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import STATE_PATH, run
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.configuration_run import (
    ConfigurationRequest,
    run_present,
    run_restored,
)


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what was asked for and return the module's result."""
    parameters = module.params
    site = parameters["site"] or ""
    request = ConfigurationRequest(
        bench=find_bench(site, parameters["bench_path"]),
        site=site,
        state_path=Path(parameters["state_path"]),
        remember_as=parameters["remember_as"] or "",
        check_mode=module.check_mode,
    )
    if parameters["state"] == "restored":
        return run_restored(request)
    return run_present(request, parameters["values"], parameters["secret_values"], parameters["absent"])


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "site": {"type": "str"},
            "bench_path": {"type": "path"},
            "state_path": {"type": "path", "default": STATE_PATH},
            "state": {"type": "str", "choices": ["present", "restored"], "default": "present"},
            "values": {"type": "dict", "default": {}},
            "secret_values": {"type": "dict", "no_log": True, "default": {}},
            "absent": {"type": "list", "elements": "str", "default": []},
            "remember_as": {"type": "str"},
        },
        required_one_of=[("site", "bench_path")],
        required_if=[("state", "restored", ["remember_as"])],
        supports_check_mode=True,
    )
    run(module, work)


if __name__ == "__main__":
    main()
