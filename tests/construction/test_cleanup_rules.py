"""Every class of the cleanup says what it never touches, everywhere that people look, and was killed in its middle."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.catalogue import RULES, TASK_RULES

from tests.construction.parts import texts
from tests.tools.checkout import ROOT

CLASSES = {rule.id: rule for rule in RULES} | {rule.id: rule for rule in TASK_RULES.values()}
MODULE = (ROOT / "plugins" / "modules" / "cleanup.py").read_text()
README = (ROOT / "roles" / "cleanup" / "README.md").read_text()
SPECS = (ROOT / "roles" / "cleanup" / "meta" / "argument_specs.yml").read_text()
FAULTS = {name: text for name, text in texts("tests/faults").items() if "test_cleanup" in str(name)}


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_class_is_documented_with_what_it_never_touches(name: str) -> None:
    assert CLASSES[name].title
    assert CLASSES[name].never_touches
    (row,) = [line for line in README.splitlines() if line.startswith(f"| `{name}` |")]
    assert len([cell for cell in row.strip("|").split("|") if cell.strip()]) == 4, row
    assert f"V({name})" in MODULE
    assert f"C({name})" in SPECS


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_class_was_killed_in_its_middle_and_run_again(name: str) -> None:
    tested = [text for text in FAULTS.values() if f'"{name}"' in text]
    assert any("promise(11)" in text for text in tested), "no test kills it"
    assert any("promise(25)" in text for text in tested), "no test runs it twice"
