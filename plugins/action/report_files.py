# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the files of a report where Ansible runs, and then on the host by the module of the same name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.text_files import write_texts

ARGUMENTS: dict[str, dict[str, Any]] = {
    "path": {"type": "str", "required": True},
    "host_path": {"type": "str", "default": ""},
    "files": {"type": "dict", "required": True},
}
FILE_MODE = 0o640
FOLDER_MODE = 0o750


class ActionModule(ActionBase):
    """The action of lifeboat.frappe.report_files."""

    _requires_connection = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write what is not there yet; in check mode, only say what that is."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(ARGUMENTS)
        folder = Path(arguments["path"]).expanduser().absolute()
        texts = {name: _text(content) for name, content in arguments["files"].items()}
        try:
            differences = write_texts(
                folder, texts, mode=FILE_MODE, folder_mode=FOLDER_MODE, writes=not self._task.check_mode
            )
        except LifeboatError as error:
            return {**result, "failed": True, "msg": error.message, "error_code": error.error_code}
        result.update(changed=bool(differences), path=str(folder), diff=differences if self._task.diff else [])
        if arguments["host_path"]:
            # A whole report in the host's system log would be of no use to anybody.
            silent = {**(task_vars or {}), "ansible_no_target_syslog": True}
            on_host = self._execute_module(module_args={**arguments, "files": texts}, task_vars=silent)
            if on_host.get("failed"):
                return {**result, **on_host}
            result["changed"] |= on_host["changed"]
            result["diff"] += on_host["diff"]
        return result


def _text(content: Any) -> str:
    """Return a text as it is, and everything else as JSON."""
    return content if isinstance(content, str) else json.dumps(content, indent=2) + "\n"
