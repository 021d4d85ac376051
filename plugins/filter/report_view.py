# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the report of a recovery says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.plugin_utils.report import report_view

DOCUMENTATION = r"""
name: report_view
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
version_added: 0.1.0
short_description: What the report of a recovery says
description:
  - Turns the record of a recovery into the texts of its report, for templates that only lay them out.
options:
  _input:
    description: The record that M(lifeboat.frappe.site_recovery) returned when the recovery ended.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say how it went
  ansible.builtin.debug:
    msg: "{{ (ended.record | lifeboat.frappe.report_view).headline }}"
"""

RETURN = r"""
_value:
  description:
    - The texts, not escaped. V(tone), V(headline), V(lead), V(figures), V(facts), V(timeline), V(proofs),
      V(verification), V(checks), V(assessment), V(kept), V(commands), V(not_recovered), V(drained),
      V(recommendations) and V(error).
  type: dict
"""


class FilterModule:
    """The filter lifeboat.frappe.report_view."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"report_view": report_view}
