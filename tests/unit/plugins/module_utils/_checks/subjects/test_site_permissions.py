from __future__ import annotations

from pathlib import Path

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
