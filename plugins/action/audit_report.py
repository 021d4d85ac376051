# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes the report of an audit where Ansible runs."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml
from ansible.plugins.action import ActionBase
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.artifact import (
    artifact_lines,
    audit_artifact,
)
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.audit.run import FORMATS, AuditRequest, run_audit

ARGUMENTS: dict[str, dict[str, Any]] = {
    "hosts": {"type": "dict", "required": True},
    "path": {"type": "str", "required": True},
    "title": {"type": "str", "default": "Frappe"},
    "compare_with": {"type": "str", "default": ""},
    "query": {"type": "str", "default": ""},
}
COLLECTION = Path(__file__).parents[2]


class ActionModule(ActionBase):
    """The action of lifeboat.frappe.audit_report."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write the report; in check mode, only say what would be in it."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(ARGUMENTS)
        request = AuditRequest(
            collected=arguments["hosts"],
            folder=Path(arguments["path"]).expanduser(),
            title=arguments["title"],
            now=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            collection_version=_collection_version(),
            compare_with=arguments["compare_with"],
            query=arguments["query"],
            writes=not self._task.check_mode,
        )
        try:
            outcome = run_audit(request)
        except LifeboatError as error:
            return {**result, **_failure(error)}
        artifact = audit_artifact(outcome.document, outcome.path)
        result.update(
            changed=not self._task.check_mode,
            artifact=artifact,
            lines=artifact_lines(artifact),
            path=outcome.path,
            files=list(FORMATS),
            notes=outcome.notes,
        )
        if outcome.error:
            result.update(_failure(outcome.error))
        return result


def _failure(error: LifeboatError) -> dict[str, Any]:
    return {"failed": True, "msg": error.message, "error_code": error.error_code}


def _collection_version() -> str:
    """Return this collection's version, from the checkout or from what ansible-galaxy installed."""
    for name, keys in (("galaxy.yml", ("version",)), ("MANIFEST.json", ("collection_info", "version"))):
        path = COLLECTION / name
        if path.is_file():
            value = yaml.safe_load(path.read_text())
            for key in keys:
                value = value[key]
            return str(value)
    return "unknown"
