# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the option that names a recovery."""

from __future__ import annotations


class ModuleDocFragment:
    """The option that every module with a part in a recovery has."""

    DOCUMENTATION = r"""
options:
  recovery:
    description:
      - The identifier of the recovery, as M(lifeboat.frappe.site_recovery) returned it.
    type: str
"""
