# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a recovery as lines for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.plugin_utils.plan_text import plan_lines

DOCUMENTATION = r"""
name: plan_lines
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
version_added: 0.1.0
short_description: The plan of a recovery as lines for people
description:
  - Writes what M(lifeboat.frappe.site_recovery) returned as lines that say what is replaced by what, from when the data
    is, how much is lost, how long it takes, and what it needs of disk.
positional: procedure
options:
  _input:
    description: What M(lifeboat.frappe.site_recovery) returned when it began.
    type: dict
    required: true
  procedure:
    description: The procedure that is followed, as its file says it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ begun | lifeboat.frappe.plan_lines(procedure) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""


class FilterModule:
    """The filter lifeboat.frappe.plan_lines."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"plan_lines": plan_lines}
