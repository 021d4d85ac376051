# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options of modules that report how far they are."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of ``PROGRESS_ARGUMENTS``."""

    DOCUMENTATION = r"""
options:
  progress_path:
    description:
      - A file that is replaced about every second by one JSON object that says how far the work is.
      - The action plugin of the module sets it; give it only when you run the module in another way.
    type: path
  lease_seconds:
    description:
      - Give up and clean up when the file named O(progress_path) with C(.lease) added exists and was not touched for so
        many seconds, because then nobody waits for the result any more. V(0) never gives up for that reason.
    type: int
    default: 60
"""
