"""The installed collection works with nothing but its folders meta, playbooks, plugins and roles, and no checkout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.lab import Lab
from tests.tools.checkout import ROOT
from tests.tools.playbook_runs import LOCAL_HOST, run_ansible, run_playbook

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
SITE = "alpha.localhost"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder without an ansible.cfg, with an inventory of this host alone."""
    (tmp_path / "hosts").write_text(LOCAL_HOST)
    return tmp_path


def test_every_module_is_documented(installed: Path, elsewhere: Path) -> None:
    names = [f"lifeboat.frappe.{name}" for name in MODULES]
    run = run_ansible(["ansible-doc", "--json", "--type", "module", *names], installed, elsewhere)
    assert run.exit_code == 0, run.output
    documented = json.loads(run.output)
    assert sorted(documented) == names
    for name in names:
        assert documented[name]["examples"], name
        assert documented[name]["doc"]["filename"].startswith(str(installed)), name


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_every_playbook_is_found_by_its_name(installed: Path, elsewhere: Path, playbook: str) -> None:
    name = f"lifeboat.frappe.{playbook}"
    run = run_playbook(name, "hosts", {"site": SITE}, ["--syntax-check"], installed, elsewhere)
    assert run.exit_code == 0, run.output
    assert not run.complaints


def test_execution_environment_names_files_that_are_there(installed_whole: Path) -> None:
    run = run_ansible(["ansible-builder", "introspect", installed_whole], installed_whole)
    assert run.exit_code == 0, run.output
    found = yaml.safe_load(run.output)
    assert any("PyMySQL" in requirement for requirement in found["python"])
    assert found["system"]


def test_a_site_is_recovered(installed: Path, elsewhere: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        lab.backup(SITE)
        before = lab.site_config(SITE)["db_name"]
        variables = {**lab.variables, "site": SITE}
        run = run_playbook("lifeboat.frappe.recover", "hosts", variables, (), installed, elsewhere)
        assert run.exit_code == 0, run.output
        assert not run.complaints
        assert lab.site_config(SITE)["db_name"] != before
