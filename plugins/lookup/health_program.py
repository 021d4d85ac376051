# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds the program lifeboat-health on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
name: health_program
author:
  - Lifeboat for Frappe maintainers (@lifeboat-frappe)
version_added: 0.1.0
short_description: Build the program lifeboat-health
description:
  - Packs the code of the checks into one executable file on the controller and returns its path.
  - Ansible removes the file at the end of the run.
  - The role P(lifeboat.frappe.health#role) copies it to hosts that check themselves.
options:
  _terms:
    description: The Python interpreter on the host, with which the program starts.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Install the program
  ansible.builtin.copy:
    src: "{{ lookup('lifeboat.frappe.health_program', '/usr/bin/python3') }}"
    dest: /usr/local/lib/lifeboat/lifeboat-health
    mode: "0755"
"""

RETURN = r"""
_raw:
  description: The path of the file, for each interpreter.
  type: list
  elements: str
"""

import tempfile
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.lookup import LookupBase
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.health_program import health_program


class LookupModule(LookupBase):  # type: ignore[misc]
    """The lookup lifeboat.frappe.health_program."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Build the program for each interpreter and return where it lies."""
        del variables, kwargs
        return [_written(health_program(python)) for python in terms]


def _written(content: bytes) -> str:
    folder = tempfile.mkdtemp(dir=constants.DEFAULT_LOCAL_TMP)
    path = Path(folder, "lifeboat-health")
    path.write_bytes(content)
    return str(path)
