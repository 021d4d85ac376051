# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The health of a host as lines for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.plugin_utils.health_text import health_lines

DOCUMENTATION = r"""
name: health_lines
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
version_added: 0.1.0
short_description: The health of a host as lines for people
description:
  - Writes what M(lifeboat.frappe.health_check) returned as lines.
  - The verdict comes first, then the worst findings with what mends them, then what could not be looked at.
positional: host
options:
  _input:
    description: What M(lifeboat.frappe.health_check) returned.
    type: dict
    required: true
  host:
    description: The host's name in the inventory.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the health
  ansible.builtin.debug:
    msg: "{{ health | lifeboat.frappe.health_lines(inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


class FilterModule:
    """The filter lifeboat.frappe.health_lines."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"health_lines": health_lines}
