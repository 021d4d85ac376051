"""What the tests by construction read: the parts of the collection, found in the checkout and never listed by hand."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import yaml

from tests.tools.checkout import ROOT

MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))


def constants(path: Path) -> dict[str, str]:
    """Read the texts that a file, or a class of it, assigns, without importing it."""
    return {
        target.id: node.value.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def documentation(module: Path) -> dict[str, Any]:
    """Read a module's DOCUMENTATION."""
    described: dict[str, Any] = yaml.safe_load(constants(module)["DOCUMENTATION"])
    return described


def texts(*folders: str) -> dict[Path, str]:
    """Read every text file below folders of the checkout."""
    return {
        path: path.read_text(errors="replace")
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and path.suffix in {".py", ".yml", ".yaml", ".md", ".sh", ".j2"}
    }
