# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The backups of many hosts as one small document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.plugin_utils.backup_text import backup_stats

DOCUMENTATION = r"""
name: backup_stats
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
version_added: 0.1.0
short_description: The backups of many hosts as one small document
description:
  - Puts the results of M(lifeboat.frappe.site_backup) of many hosts into one document, as C(set_stats) publishes it.
options:
  _input:
    description: Pairs of a host's name and its results, each with C(site).
    type: list
    elements: list
    required: true
"""

EXAMPLES = r"""
- name: Publish the backups of two hosts
  ansible.builtin.set_stats:
    data:
      lifeboat_backup: "{{ [['app1', first], ['app2', second]] | lifeboat.frappe.backup_stats }}"
"""

RETURN = r"""
_value:
  description: It has C(failed), the sites that have no new backup, and C(sets), a line for each set.
  type: dict
"""


class FilterModule:
    """The filter lifeboat.frappe.backup_stats."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"backup_stats": backup_stats}
