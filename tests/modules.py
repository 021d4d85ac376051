"""Runs a module of the collection in this process, as Ansible would: options in, one JSON object out."""

from __future__ import annotations

import contextlib
import io
import json
from types import ModuleType
from typing import Any

from ansible.module_utils.testing import patch_module_args


def run_module(module: ModuleType, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """Return what the module prints at its end; ``failed`` is always in it, and no warning is let pass."""
    output = io.StringIO()
    arguments = {**options, "_ansible_check_mode": check_mode, "_ansible_diff": True}
    with patch_module_args(arguments), contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
        module.main()
    result = json.loads(output.getvalue())
    assert not result.get("warnings"), result["warnings"]
    assert not result.get("deprecations"), result["deprecations"]
    return {"failed": False, **result}
