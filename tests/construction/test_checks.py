"""Every check describes itself, ships, and has a test that injects its fault."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.catalogue import all_checks
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.ranges import parse_range
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import IMPACT_WEIGHTS, SUBJECTS, Check
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Target

from tests.construction.parts import PLAYBOOKS, texts
from tests.tools.checkout import ROOT

CHECKS = ROOT / "plugins" / "module_utils" / "_checks"
UNITS = {"percent", "seconds", "bytes", "count", "per_second", "ratio", "bool"}
MARK = re.compile(r"pytest\.mark\.check\(([^)]+)\)")
TESTED = {
    check_id
    for text in texts("tests/faults/checks").values()
    for names in MARK.findall(text)
    for check_id in re.findall(r"\w+", names)
}

each_check = pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.id)


def test_there_are_checks_of_every_subject() -> None:
    assert {check.subject for check in all_checks()} == set(SUBJECTS)


@each_check
def test_check_has_a_test_that_injects_its_fault(check: Check) -> None:
    assert check.id in TESTED, f"no test of tests/faults/checks is marked check({check.id!r})"


def test_every_mark_names_a_check() -> None:
    assert not TESTED - {check.id for check in all_checks()}


@each_check
def test_check_describes_itself(check: Check) -> None:
    described = (check.title, check.measures, check.source, check.reference, check.remediation.text)
    assert all(text.strip() == text and text for text in described)
    assert check.subject in SUBJECTS
    assert check.impact in IMPACT_WEIGHTS
    assert check.unit in UNITS
    assert issubclass(check.target, Target)


@each_check
def test_ids_and_names_have_their_form(check: Check) -> None:
    assert re.fullmatch(r"[A-Z]\d{2}", check.id)
    assert re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", check.name)


def test_names_are_unique() -> None:
    names = [check.name for check in all_checks()]
    assert sorted(set(names)) == sorted(names)


@each_check
def test_default_thresholds_are_ranges(check: Check) -> None:
    for threshold in (check.warning, check.critical):
        assert not threshold or parse_range(threshold)


@each_check
def test_remediation_names_a_playbook_that_exists(check: Check) -> None:
    playbook = check.remediation.playbook
    assert not playbook or playbook in {f"lifeboat.frappe.{path.stem}" for path in PLAYBOOKS}


def test_catalogue_imports_every_subject_file() -> None:
    """By name, because Ansible ships only what is imported so."""
    nodes = ast.walk(ast.parse((CHECKS / "catalogue.py").read_text()))
    imported = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert {path.stem for path in (CHECKS / "subjects").glob("*.py")} - {Path("__init__").stem} <= imported
