# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the report of a drill says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.plugin_utils.drill_report import drill_view

DOCUMENTATION = r"""
name: drill_view
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
version_added: 0.1.0
short_description: What the report of a drill says
description:
  - Turns the record of a drill into the texts and the plot of its report, for templates that only lay them out.
positional: history
options:
  _input:
    description: The record that M(lifeboat.frappe.site_drill) returned.
    type: dict
    required: true
  history:
    description: The comparable drills before it, as M(lifeboat.frappe.site_drill) returned them.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Say how it went
  ansible.builtin.debug:
    msg: "{{ (drilled.record | lifeboat.frappe.drill_view(drilled.history)).headline }}"
"""

RETURN = r"""
_value:
  description:
    - The texts, not escaped. V(tone), V(headline), V(lead), V(error), V(figures), V(findings), V(phases), V(facts),
      V(plot) and V(history).
  type: dict
"""


class FilterModule:
    """The filter lifeboat.frappe.drill_view."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"drill_view": drill_view}
