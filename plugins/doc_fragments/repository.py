# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options that say where the collection's own backups lie."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of ``REPOSITORY_ARGUMENTS``."""

    DOCUMENTATION = r"""
options:
  repository_path:
    description:
      - Where the collection's own backup sets and the archives of binary logs lie.
    type: path
    default: /var/backups/lifeboat
"""
