# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The health of many hosts as one small document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.plugin_utils.health_text import health_stats

DOCUMENTATION = r"""
name: health_stats
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
version_added: 0.1.0
short_description: The health of many hosts as one small document
description:
  - Puts the summaries of many hosts into one document of at most 8 KiB, as C(set_stats) publishes it.
options:
  _input:
    description:
      - Pairs of a host's name and its RV(lifeboat.frappe.health_check#module:summary).
      - The summary is empty where the host did not answer.
    type: list
    elements: list
    required: true
"""

EXAMPLES = r"""
- name: Publish the health of two hosts
  ansible.builtin.set_stats:
    data:
      lifeboat_health: "{{ [['app1', first.summary], ['app2', {}]] | lifeboat.frappe.health_stats }}"
"""

RETURN = r"""
_value:
  description:
    - It has C(hosts), C(unreachable), C(unreachable_hosts), the sums of the C(counts), the lowest C(score), the mean
      C(coverage), in which a host that did not answer is 0, and the ten C(worst) findings.
  type: dict
"""


class FilterModule:
    """The filter lifeboat.frappe.health_stats."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"health_stats": health_stats}
