"""Every error code is raised somewhere, documented, and provoked by some test; none is raised beside the list."""

from __future__ import annotations

import re
import runpy

import pytest
import yaml

from tests.construction.parts import texts
from tests.tools.checkout import ROOT

LIST = ROOT / "plugins" / "module_utils" / "_system" / "error_codes.py"
CODES: dict[str, str] = runpy.run_path(str(LIST))["ERROR_CODES"]

each_code = pytest.mark.parametrize("code", sorted(CODES))


@each_code
def test_code_is_raised(code: str) -> None:
    assert [path for path, text in texts("plugins").items() if path != LIST and f'"{code}"' in text]


@each_code
def test_code_is_provoked_by_a_test(code: str) -> None:
    folders = ("tests/unit", "tests/integration", "tests/faults")
    assert [path for path, text in texts(*folders).items() if f'"{code}"' in text]


@each_code
def test_code_is_documented(code: str) -> None:
    assert f"| `{code}` | {CODES[code]} |" in (ROOT / "docs" / "error_codes.md").read_text()


def test_every_code_that_is_raised_is_in_the_list() -> None:
    raised = {
        (str(path.relative_to(ROOT)), code)
        for path, text in texts("plugins").items()
        if path.suffix == ".py"
        for code in re.findall(r"error_code=\"(\w+)\"", text)
    }
    assert not {(path, code) for path, code in raised if code not in CODES}


def test_hints_of_a_recovery_are_for_codes_and_name_variables_that_there_are() -> None:
    role = ROOT / "roles" / "recovery"
    known = (role / "defaults" / "main.yml").read_text() + (ROOT / "playbooks" / "recover.yml").read_text()
    hints: dict[str, str] = yaml.safe_load((role / "vars" / "main.yml").read_text())["__recovery_hints"]
    assert hints
    assert not set(hints) - set(CODES)
    assert not [name for hint in hints.values() for name in re.findall(r"lifeboat_\w+", hint) if name not in known]
