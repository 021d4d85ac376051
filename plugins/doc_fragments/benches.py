# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options that say which benches of a host are meant."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of the modules that look at all benches of a host."""

    DOCUMENTATION = r"""
options:
  bench_path:
    description:
      - Look only at the bench in this folder.
    type: path
  search_paths:
    description:
      - Folders that are a bench or hold benches; shell patterns are allowed.
      - Without it, the usual places are searched, as M(lifeboat.frappe.bench_info) does.
    type: list
    elements: str
  state_path:
    description:
      - Where the collection keeps its state on the host, as records and histories.
    type: path
    default: /var/lib/lifeboat
"""
