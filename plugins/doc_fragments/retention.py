# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options that say which backup sets are kept."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of ``RETENTION_ARGUMENTS``."""

    DOCUMENTATION = r"""
options:
  keep_daily:
    description: How many days keep their latest set.
    type: int
    default: 7
  keep_weekly:
    description: How many weeks (ISO 8601) keep their latest set.
    type: int
    default: 4
  keep_monthly:
    description: How many months keep their latest set.
    type: int
    default: 6
  keep_yearly:
    description: How many years keep their latest set.
    type: int
    default: 0
  keep_minimum:
    description: How many of the newest sets stay whatever their age; at least one always does.
    type: int
    default: 2
"""
