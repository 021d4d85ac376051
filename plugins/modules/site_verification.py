#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verifies that a live site serves."""

from __future__ import annotations

DOCUMENTATION = r"""
module: site_verification
short_description: Verify that a live site serves
version_added: 0.1.0
description:
  - Asks the site's web server for a ping, the login page, and a read of the site's database, and has a worker of the bench
    run one harmless job for the site.
  - A check that this host cannot make is skipped and says why, as when no web process or no worker of the bench runs on
    it. Skipped checks do not make a site unhealthy.
  - The job is C(frappe.ping), put ahead of all other jobs. Its keys in Redis are removed again.
options:
  url:
    description:
      - Where to ask, as C(https://erp.example.com). No redirect is followed.
      - Without it, the bench's own web server on this host is asked, which skips the checks where it does not run.
    type: str
  expected_maintenance:
    description:
      - The site was in maintenance before, so that an answer of 503 is the right one.
    type: bool
    default: false
  api_key:
    description:
      - The key of a user of the site who may count users. With it, the read must succeed; without it, the refusal by the
        application proves as well that the site answers.
    type: str
  api_secret:
    description:
      - The secret of O(api_key).
    type: str
  reload_web:
    description:
      - Reload the web processes of the bench on this host first, gracefully, so that none serves from a configuration that
        it keeps in memory. Needed on application hosts other than the one where the site was promoted.
    type: bool
    default: false
  timeout_seconds:
    description:
      - How long the web server may take until it answers as it should. It may be reloading.
    type: float
    default: 30
  job_timeout_seconds:
    description:
      - How long a worker may take until it has run the job. V(0) sends no job.
    type: float
    default: 20
  required:
    description:
      - Fail when the site is unhealthy. Otherwise only the result tells.
    type: bool
    default: true
extends_documentation_fragment:
  - lifeboat.frappe.site
  - lifeboat.frappe.recovery
  - lifeboat.frappe.attributes
attributes:
  check_mode:
    details: In check mode nothing is reloaded, and the job is not sent and its check is skipped.
  diff_mode:
    support: none
    details: No content changes, so there is no difference to return.
seealso:
  - module: lifeboat.frappe.site_promotion
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
"""

EXAMPLES = r"""
- name: Verify that the site serves
  lifeboat.frappe.site_verification:
    site: erp.example.com

- name: Ask through the load balancer, and go on whatever the answer
  lifeboat.frappe.site_verification:
    site: erp.example.com
    url: https://erp.example.com
    required: false
  register: verified

- name: Read as a user of the site
  lifeboat.frappe.site_verification:
    site: erp.example.com
    api_key: "{{ vault_api_key }}"
    api_secret: "{{ vault_api_secret }}"
"""

RETURN = r"""
healthy:
  description: Whether no check failed.
  returned: always
  type: bool
  sample: true
verification:
  description: The checks, in the order in which they were made. On failure it is in RV(ignore:details).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: V(ping), V(login), V(read) or V(job).
      type: str
      sample: login
    outcome:
      description: V(passed), V(failed) or V(skipped).
      type: str
      sample: passed
    seconds:
      description: How long it took.
      type: float
      sample: 0.021
    reason:
      description: Why the check failed or was skipped.
      type: str
      sample: ""
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import find_bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.services import (
    find_services,
    reload_web,
    web_master_pids,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import RECOVERY_ARGUMENTS, run
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.verification import (
    VerificationOptions,
    is_healthy,
    require_healthy,
    verify_site,
)


def verify(module: AnsibleModule) -> dict[str, Any]:
    """Return how the site answers."""
    parameters = module.params
    site = find_bench(parameters["site"], parameters["bench_path"]).site(parameters["site"])
    options = VerificationOptions(
        url=parameters["url"],
        expected_maintenance=parameters["expected_maintenance"],
        api_key=parameters["api_key"],
        api_secret=parameters["api_secret"],
        timeout_seconds=parameters["timeout_seconds"],
        job_timeout_seconds=0 if module.check_mode else parameters["job_timeout_seconds"],
    )
    services = find_services(site.bench)
    masters = web_master_pids(site.bench, services) if parameters["reload_web"] else []
    if not module.check_mode:
        reload_web(masters, parameters["timeout_seconds"])
    verification = verify_site(site, services, options)
    if parameters["required"]:
        require_healthy(site, verification)
    return {"changed": bool(masters), "healthy": is_healthy(verification), "verification": verification}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **RECOVERY_ARGUMENTS,
            "url": {"type": "str"},
            "expected_maintenance": {"type": "bool", "default": False},
            "api_key": {"type": "str", "no_log": True},
            "api_secret": {"type": "str", "no_log": True},
            "reload_web": {"type": "bool", "default": False},
            "timeout_seconds": {"type": "float", "default": 30},
            "job_timeout_seconds": {"type": "float", "default": 20},
            "required": {"type": "bool", "default": True},
        },
        required_together=[("api_key", "api_secret")],
        supports_check_mode=True,
    )
    run(module, verify)


if __name__ == "__main__":
    main()
