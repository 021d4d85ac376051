"""Roles say what they take, playbooks are short, and both are documented and tested."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.construction.parts import PLAYBOOKS, ROLES, texts
from tests.tools.checkout import ROOT

PLAY_KEYS = {
    "any_errors_fatal",
    "become",
    "become_user",
    "gather_facts",
    "hosts",
    "name",
    "roles",
    "serial",
    "strategy",
    "tags",
}
PLAY_KEYS |= {"import_playbook", "module_defaults", "order", "tasks", "vars"}
TASK_KEYS = {
    "ansible.builtin.import_role",
    "ansible.builtin.include_role",
    "delegate_to",
    "name",
    "run_once",
    "tags",
    "vars",
}
MOST_PLAYBOOK_LINES = 40

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
each_playbook = pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda playbook: playbook.stem)


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.is_file() else None


def options(role: Path) -> dict[str, Any]:
    specs = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    described: dict[str, Any] = specs["main"].get("options", {})
    return described


def test_there_are_roles_and_playbooks() -> None:
    assert {"prerequisites", "recovery", "report"} <= {role.name for role in ROLES}
    assert "recover" in {playbook.stem for playbook in PLAYBOOKS}


@each_role
def test_defaults_are_what_the_argument_spec_says(role: Path) -> None:
    defaults = load(role / "defaults" / "main.yml") or {}
    required = {name for name, option in options(role).items() if option.get("required")}
    assert not required & set(defaults), "what is required has no default"
    assert set(defaults) | required == set(options(role))


@each_role
def test_documented_default_is_the_default(role: Path) -> None:
    defaults = load(role / "defaults" / "main.yml") or {}
    for name, option in options(role).items():
        if "default" in option and "{{" not in str(defaults[name]):
            assert option["default"] == defaults[name], name


@each_role
def test_public_variables_bear_the_name_of_the_role(role: Path) -> None:
    prefix = f"lifeboat_{role.name}_"
    assert not [name for name in options(role) if not name.startswith(prefix)]
    internal = load(role / "vars" / "main.yml") or {}
    assert not [name for name in internal if not name.startswith("__")]


@each_role
def test_variables_that_tasks_make_are_internal(role: Path) -> None:
    made: set[str] = set()
    for path in sorted(role.glob("tasks/**/*.yml")):
        text = path.read_text()
        made |= set(re.findall(r"^\s+register: (\S+)", text, re.MULTILINE))
        made |= set(re.findall(r"^\s+loop_var: (\S+)", text, re.MULTILINE))
        for facts in re.findall(r"ansible\.builtin\.set_fact:\n((?:\s{4,}.*\n)+)", text):
            made |= set(re.findall(r"^ {4}(\w+):", facts, re.MULTILINE))
    assert not [name for name in made - {"cacheable"} if not name.startswith("__")]


@each_role
def test_readme_describes_every_variable(role: Path) -> None:
    readme = (role / "README.md").read_text()
    assert not [name for name in options(role) if f"`{name}`" not in readme]


@each_role
def test_every_option_is_described_and_typed(role: Path) -> None:
    for name, option in options(role).items():
        assert option.get("description"), name
        assert option.get("type"), name


@each_playbook
def test_playbook_is_short_and_only_routes(playbook: Path) -> None:
    text = playbook.read_text()
    assert len(text.splitlines()) <= MOST_PLAYBOOK_LINES
    for play in yaml.safe_load(text):
        assert set(play) - {"ansible.builtin.import_playbook"} <= PLAY_KEYS, set(play)
        for task in play.get("tasks", []):
            assert set(task) <= TASK_KEYS, set(task)


@each_playbook
def test_playbook_takes_its_hosts_from_a_variable(playbook: Path) -> None:
    for play in yaml.safe_load(playbook.read_text()):
        assert "{{" in play.get("hosts", "{{") or play["hosts"] == "localhost", play["name"]


@each_playbook
def test_playbook_is_run_in_check_mode_by_a_test(playbook: Path) -> None:
    name = re.compile(rf"\b(?:lifeboat\.frappe\.|playbooks/){playbook.stem}\b")
    assert [path for path, text in texts("tests").items() if name.search(text) and "--check" in text]


@each_playbook
def test_playbook_is_in_the_readme(playbook: Path) -> None:
    assert f"lifeboat.frappe.{playbook.stem}" in (ROOT / "README.md").read_text()


@each_role
def test_role_describes_itself(role: Path) -> None:
    assert load(role / "meta" / "main.yml")["galaxy_info"]["description"]
