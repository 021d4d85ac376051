"""The packages of module_utils lie in layers: each imports only those below it; only the thin shell knows Ansible."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.checkout import ROOT

UTILS = ROOT / "plugins" / "module_utils"
LAYERS = ["_system", "_bench", "_mariadb", "_queue", "_backups", "_recovery", "_drill", "_checks"]  # lowest first
LAYERS += ["_facts", "_reports", "_diagnosis", "_cleanup", "_maintenance", "_performance", "_debugging"]
FULL_NAME = "ansible_collections.lifeboat.frappe.plugins."
MAY_KNOW_ANSIBLE = {"modules", "action", "filter", "lookup", "callback", "plugin_utils", "module_utils/_module.py"}

SOURCES = sorted((ROOT / "plugins").rglob("*.py"))
each_source = pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(ROOT / "plugins")))


def imported(source: Path) -> Iterator[str]:
    """Name every module that a file imports, relative imports made whole: `plugins.module_utils._system.errors`."""
    package = list(source.relative_to(ROOT).with_suffix("").parts[:-1])
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.replace(FULL_NAME, "plugins.") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])]).replace(FULL_NAME, "plugins.")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def layer_of(name: str) -> str | None:
    """Tell to which package of module_utils a module belongs."""
    parts = name.split(".")
    return parts[2] if parts[:2] == ["plugins", "module_utils"] and len(parts) > 2 else None


def test_every_package_is_in_the_list_of_layers() -> None:
    assert {path.name for path in UTILS.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(LAYERS)


@pytest.mark.parametrize(
    "source", sorted(path for layer in LAYERS for path in (UTILS / layer).rglob("*.py")), ids=lambda path: path.stem
)
def test_package_imports_only_packages_below_it(source: Path) -> None:
    own = LAYERS.index(source.relative_to(UTILS).parts[0])
    allowed = set(LAYERS[: own + 1])
    used = {layer for name in imported(source) if (layer := layer_of(name))}
    assert used <= allowed, f"{source} imports {sorted(used - allowed)}"


@each_source
def test_only_the_shell_knows_ansible(source: Path) -> None:
    place = source.relative_to(ROOT / "plugins").as_posix()
    if any(place == shell or place.startswith(f"{shell}/") for shell in MAY_KNOW_ANSIBLE):
        return
    assert not [name for name in imported(source) if name.split(".")[0] == "ansible"]


@each_source
def test_nothing_imports_modules(source: Path) -> None:
    assert not [name for name in imported(source) if name.startswith("plugins.modules")]


@each_source
def test_annotations_are_not_evaluated(source: Path) -> None:
    """Python 3.9 reads `X | None` in an annotation only so."""
    text = source.read_text()
    if any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in ast.parse(text).body):
        assert "from __future__ import annotations" in text
