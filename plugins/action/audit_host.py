# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks one host everything that an audit asks, and keeps the answer in a file where Ansible runs."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.plugins.action import ActionBase

HEALTH_MODULE = "lifeboat.frappe.health_check"
FACTS_MODULE = "lifeboat.frappe.audit_info"


class ActionModule(ActionBase):
    """The action of lifeboat.frappe.audit_host.

    What a host answers is large. It stays in a file of this run, so that a fleet's answers are never in Ansible's own
    memory together; the run's folder of temporary files is private, and gone when the run ends.
    """

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run both modules on the host; the host has answered when the checks have."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(
            {"health_check": {"type": "dict", "default": {}}, "audit_info": {"type": "dict", "default": {}}}
        )
        health = self._execute_module(HEALTH_MODULE, arguments["health_check"], task_vars=task_vars)
        if health.get("failed"):
            return {**result, **health}
        info = self._execute_module(FACTS_MODULE, arguments["audit_info"], task_vars=task_vars)
        with tempfile.NamedTemporaryFile(
            "w", prefix="lifeboat-audit-", suffix=".json", dir=constants.DEFAULT_LOCAL_TMP, delete=False
        ) as stream:
            json.dump({"health": _kept(health, "findings", "summary"), "info": _kept(info, "facts")}, stream)
        return {
            **result,
            "changed": False,
            "document": str(Path(stream.name)),
            "summary": {name: health["summary"][name] for name in ("counts", "score", "coverage")},
            "ansible_facts": health.get("ansible_facts", {}),
        }


def _kept(result: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return what the report needs of a module's result, which for a failure also has what Ansible alone can read."""
    if result.get("failed"):
        return {"failed": True, "msg": str(result.get("msg", ""))}
    return {name: result[name] for name in names}
