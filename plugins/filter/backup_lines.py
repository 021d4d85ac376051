# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What became of the backups of a host as lines for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.plugin_utils.backup_text import backup_lines

DOCUMENTATION = r"""
name: backup_lines
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
version_added: 0.1.0
short_description: What became of the backups of a host as lines for people
description:
  - Writes the results of M(lifeboat.frappe.site_backup) as lines, those of sites that failed first.
options:
  _input:
    description: Results of M(lifeboat.frappe.site_backup), or its errors, each with C(site).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the backups
  ansible.builtin.debug:
    msg: "{{ results | lifeboat.frappe.backup_lines }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


class FilterModule:
    """The filter lifeboat.frappe.backup_lines."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"backup_lines": backup_lines}
