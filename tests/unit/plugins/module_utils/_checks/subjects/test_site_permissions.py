from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_permissions import FOLDERS

from tests.fake_site import FakeSite


def test_configuration_that_is_gone_is_unknown(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    target = fake.look("F15")
    assert target[""].severity in {"ok", "critical"}
    fake.site.config_path.unlink()
    assert fake.look("F15")[""].severity == "unknown"


def test_group_may_not_write_the_configuration(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.site.path.chmod(0o750)
    fake.site.config_path.chmod(0o666)
    finding = fake.look("F15")[""]
    assert (finding.severity, finding.text) == ("warning", "its group may write site_config.json")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_every_folder_of_the_site_is_looked_at(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    paths = [fake.site.path / name for name in FOLDERS]
    for path in paths:
        path.mkdir(parents=True, exist_ok=True)
        os.chown(path, 1, 1)
    assert fake.look("F15")[""].evidence == tuple(map(str, paths))
