# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is shown on the screen of drills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.plugin_utils.drill_report import drill_lines

DOCUMENTATION = r"""
name: drill_lines
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
version_added: 0.1.0
short_description: What is shown on the screen of drills
description:
  - Turns the results of drills into a line a site, those that failed first, with what failed.
options:
  _input:
    description: Of each site C(site), C(record) (empty when there was no drill) and C(error) (what was said then).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Say how it went
  ansible.builtin.debug:
    msg: "{{ [{'site': site, 'record': drilled.record, 'error': ''}] | lifeboat.frappe.drill_lines }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


class FilterModule:
    """The filter lifeboat.frappe.drill_lines."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"drill_lines": drill_lines}
