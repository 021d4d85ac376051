# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of what modules support."""

from __future__ import annotations


class ModuleDocFragment:
    """What every module supports; ``attributes.read_only`` is for modules that change nothing.

    ``attributes.controller`` is for those that write where Ansible runs.
    """

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and return what it would do, without changing anything.
    support: full
  diff_mode:
    description: Returns what was, or would be, changed when in diff mode.
    support: full
  platform:
    description: Platforms that the module runs on.
    support: full
    platforms: posix
"""

    READ_ONLY = r"""
options: {}
attributes:
  check_mode:
    description: Changes nothing, so it runs in check mode as well.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to return.
    support: none
  platform:
    description: Platforms that the module runs on.
    support: full
    platforms: posix
"""

    CONTROLLER = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and return what it would write, without writing it.
    support: full
  diff_mode:
    description: Every report is a new one, so there is no difference to return.
    support: none
  platform:
    description: Platforms that the module runs on.
    support: full
    platforms: posix
"""
