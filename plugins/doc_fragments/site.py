# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options that name a site."""

from __future__ import annotations


class ModuleDocFragment:
    """The options that every module about one site shares."""

    DOCUMENTATION = r"""
options:
  site:
    description:
      - The name of the site, as its folder in C(sites/) is called.
    type: str
    required: true
  bench_path:
    description:
      - The folder of the bench. Without it, the one bench of the host that has the site is taken.
    type: path
  state_path:
    description:
      - Where the collection keeps its locks, journals and records on the host.
    type: path
    default: /var/lib/lifeboat
"""
