"""The checkout's own lists agree with each other."""

from __future__ import annotations

import re
from pathlib import Path

import ansible_collections
import pytest
import yaml

from tests.construction.parts import MODULES, ROLES, texts
from tests.tools.checkout import ROOT
from tests.tools.gates import GATES

MAKEFILE = (ROOT / "Makefile").read_text()
# A unit test of such a file would only repeat it.
WITHOUT_LOGIC = {"__init__.py", "error_codes.py"}
UTILS = ROOT / "plugins" / "module_utils"
# Each check has a test that injects its fault (test_checks.py), which shows more than a unit test could.
CHECKS = UTILS / "_checks" / "subjects"


def test_every_gate_is_a_target_and_every_target_a_gate() -> None:
    listed = re.search(r"^GATES := ((?:.*\\\n)*.*)$", MAKEFILE, re.MULTILINE)
    assert listed
    assert set(listed[1].replace("\\\n", " ").split()) | {"demo"} == {gate.name for gate in GATES}


def test_every_requirement_is_pinned() -> None:
    for name in ("requirements-dev.txt", "constraints-dev.txt"):
        lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]
        assert not [line for line in lines if "==" not in line]


def test_requirements_and_constraints_agree() -> None:
    def pins(name: str) -> set[str]:
        lines = (ROOT / name).read_text().lower().replace("_", "-").splitlines()
        return {line for line in lines if line and not line.startswith("#")}

    assert pins("requirements-dev.txt") <= pins("constraints-dev.txt")


@pytest.mark.parametrize(
    "source",
    sorted(path for path in UTILS.rglob("*.py") if path.name not in WITHOUT_LOGIC and path.parent != CHECKS),
    ids=lambda path: str(path.relative_to(UTILS)),
)
def test_unit_tests_mirror_module_utils(source: Path) -> None:
    """What only talks to a server has nothing to test without one: an integration test that imports it will do."""
    folder = ROOT / "tests" / "unit" / source.parent.relative_to(ROOT)
    unit_tests = [path.read_text() for path in folder.glob("test_*.py")]
    dotted = ".".join(source.relative_to(UTILS).with_suffix("").parts)
    others = texts("tests/integration", "tests/faults").values()
    assert any(re.search(rf"\b{re.escape(source.stem)}\b", text) for text in unit_tests) or any(
        re.search(rf"\b{re.escape(dotted)}\b", text) for text in others
    ), f"no test in {folder.relative_to(ROOT)} imports {source.stem}"


def test_dependencies_come_with_the_ansible_package() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    bundled = {
        f"{path.parent.name}.{path.name}" for place in ansible_collections.__path__ for path in Path(place).glob("*/*")
    }
    assert set(galaxy["dependencies"]) <= bundled


def test_readme_lists_every_module_and_role() -> None:
    readme = (ROOT / "README.md").read_text()
    assert not [module.stem for module in MODULES if f"`{module.stem}`" not in readme]
    assert not [role.name for role in ROLES if f"`{role.name}`" not in readme]
