# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds the programs that hosts run without Ansible, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
name: packed_program
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
version_added: 0.1.0
short_description: Build a program that a host runs without Ansible
description:
  - Packs the collection's own code into one executable file on the controller and returns its path.
  - Ansible removes the file at the end of the run.
  - The roles P(lifeboat.frappe.health#role) and P(lifeboat.frappe.debug#role) copy such programs to hosts.
options:
  _terms:
    description: The programs, of V(lifeboat-debug) and V(lifeboat-health).
    type: list
    elements: str
    required: true
  python:
    description: The Python interpreter on the host, with which the program starts.
    type: str
    default: /usr/bin/python3
"""

EXAMPLES = r"""
- name: Install the program that checks its host
  ansible.builtin.copy:
    src: "{{ lookup('lifeboat.frappe.packed_program', 'lifeboat-health', python='/usr/bin/python3') }}"
    dest: /usr/local/lib/lifeboat/lifeboat-health
    mode: "0755"
"""

RETURN = r"""
_raw:
  description: The path of the file, for each program.
  type: list
  elements: str
"""

import tempfile
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.lookup import LookupBase
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.packed_program import packed_program


class LookupModule(LookupBase):  # type: ignore[misc]
    """The lookup lifeboat.frappe.packed_program."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Build each program and return where it lies."""
        self.set_options(var_options=variables, direct=kwargs)
        return [_written(name, packed_program(name, self.get_option("python"))) for name in terms]


def _written(name: str, content: bytes) -> str:
    path = Path(tempfile.mkdtemp(dir=constants.DEFAULT_LOCAL_TMP), name)
    path.write_bytes(content)
    return str(path)
