# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options that name one bench."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of the modules that work on one bench as a whole."""

    DOCUMENTATION = r"""
options:
  bench_path:
    description:
      - The folder of the bench.
    type: path
    required: true
  state_path:
    description:
      - Where the collection keeps its locks, remembered values, records and histories on the host.
    type: path
    default: /var/lib/lifeboat
"""
