"""Every module is documented, tested, and in the action group."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.construction.parts import MODULES, constants, documentation, texts
from tests.tools.checkout import ROOT

MOST_LINES_OF_CODE = 150
ALWAYS_RETURNED_BY_CHANGING = {"changed", "plan"}
# What ansible-core itself reads out of a task's result.
RESERVED_RESULTS = {
    "ansible_facts",
    "exception",
    "failed",
    "results",
    "skip_reason",
    "skipped",
    "unreachable",
    "warnings",
}

each_module = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)


def test_there_are_modules() -> None:
    assert MODULES


def test_action_group_is_the_list_of_modules() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    groups = runtime["action_groups"]
    names = [f"lifeboat.frappe.{module.stem}" for module in MODULES]
    assert groups["frappe"] == names
    assert all(group == sorted(group) and set(group) <= set(names) for group in groups.values())


@each_module
def test_module_has_a_unit_test_file(module: Path) -> None:
    test = ROOT / "tests" / "unit" / "plugins" / "modules" / f"test_{module.name}"
    assert test.is_file()
    assert re.search(rf"\b{module.stem}\b", test.read_text())


@each_module
def test_module_is_named_by_an_integration_test(module: Path) -> None:
    naming = [path for path, text in texts("tests/integration").items() if re.search(rf"\b{module.stem}\b", text)]
    assert naming, f"no file of tests/integration names {module.stem}"


@each_module
def test_module_has_an_example_by_its_full_name(module: Path) -> None:
    examples = yaml.safe_load(constants(module)["EXAMPLES"])
    assert any(f"lifeboat.frappe.{module.stem}" in task for task in examples)
    assert all(task["name"] for task in examples)


@each_module
def test_module_documents_check_mode_and_diff_mode(module: Path) -> None:
    described = documentation(module)
    attributes = set(described.get("attributes", {}))
    for fragment in described.get("extends_documentation_fragment", []):
        parts = fragment.removeprefix("lifeboat.frappe.").split(".")
        path = ROOT / "plugins" / "doc_fragments" / f"{parts[0]}.py"
        wanted = parts[1].upper() if len(parts) > 1 else "DOCUMENTATION"
        attributes |= set(yaml.safe_load(constants(path)[wanted]).get("attributes", {}))
    assert {"check_mode", "diff_mode"} <= attributes


@each_module
def test_module_documents_what_it_returns(module: Path) -> None:
    returned = yaml.safe_load(constants(module)["RETURN"])
    assert returned
    for name, value in returned.items():
        assert {"description", "returned", "type"} <= set(value), name


@each_module
def test_module_returns_nothing_that_ansible_takes_for_its_own(module: Path) -> None:
    """A task whose result has a true `skipped` is shown as skipped, one with `results` as a loop, and so on."""
    assert not RESERVED_RESULTS & set(yaml.safe_load(constants(module)["RETURN"]))


@each_module
def test_module_supports_check_mode(module: Path) -> None:
    assert "supports_check_mode=True" in module.read_text()


@each_module
def test_module_is_documentation_and_a_call(module: Path) -> None:
    """The work is in module_utils: what is left besides the documentation fits on a few screens."""
    text = module.read_text()
    for block in ("DOCUMENTATION", "EXAMPLES", "RETURN"):
        text = text.replace(constants(module)[block], "")
    assert len(text.splitlines()) <= MOST_LINES_OF_CODE


@each_module
def test_secret_options_are_not_logged(module: Path) -> None:
    """An option whose name says that it is a secret is marked so in the argument spec, here or where it is shared."""
    shared = "".join(texts("plugins/module_utils").values())
    for name in documentation(module).get("options", {}):
        if re.search(r"password|secret|encryption_key|api_key", name):
            spec = re.search(rf"\"{name}\": (?:\{{[^}}]*|dict\([^)]*)no_log[\"=: ]+True", module.read_text() + shared)
            assert spec, f"{name} is not no_log"
