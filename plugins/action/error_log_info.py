# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module of the same name with the list of known errors of the collection."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.known_errors import known_errors


class ActionModule(ActionBase):
    """The action of lifeboat.frappe.error_log_info."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module; what the task knows is asked first."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = {**self._task.args, "known_errors": [*(self._task.args.get("known_errors") or ()), *known_errors()]}
        result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
        self._remove_tmp_path(self._connection._shell.tmpdir)
        return result
