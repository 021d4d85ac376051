from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.site import SiteTarget

from tests.fake_site import LOCAL_NOW, FakeSite, unserved_port


@pytest.fixture
def fake(tmp_path: Path) -> FakeSite:
    return FakeSite(tmp_path)


def test_time_is_that_of_the_site(fake: FakeSite) -> None:
    assert str(fake.site_target().local_now) == LOCAL_NOW
    fake.answers["System Settings"] = [("time_zone", "America/New_York"), ("enable_scheduler", None)]
    assert str(fake.site_target().local_now) == "2033-05-17 23:33:20"
    assert fake.site_target().system_settings == {"time_zone": "America/New_York"}


@pytest.mark.parametrize("name", ["Mars/Olympus", "../../etc/passwd"])
def test_unknown_time_zone_is_unmeasurable(fake: FakeSite, name: str) -> None:
    fake.answers["System Settings"] = [("time_zone", name)]
    with pytest.raises(UnmeasurableError, match="tzdata"):
        assert fake.site_target().local_now


def test_configuration_of_the_site_comes_before_that_of_the_bench(fake: FakeSite) -> None:
    fake.write("sites/common_site_config.json", '{"db_host": "10.0.0.1", "db_password": "other", "db_port": "3307"}')
    fake.configure(db_name="_1", db_user="erp")
    target = fake.site_target()
    login = target.login
    assert (login.login_user, login.login_password, login.login_host, login.login_port) == (
        "erp",
        "secret",
        "10.0.0.1",
        3307,
    )
    target.close()


def test_what_the_configuration_does_not_tell_is_unmeasurable(fake: FakeSite) -> None:
    fake.configure(db_name="")
    with pytest.raises(UnmeasurableError, match="db_name"):
        assert fake.site_target().login
    fake.site.config_path.write_text("{")
    with pytest.raises(UnmeasurableError, match="not valid JSON"):
        assert fake.site_target().merged


def test_database_that_does_not_answer_is_unmeasurable(fake: FakeSite) -> None:
    ready = fake.site_target()
    target = SiteTarget(ready.site, ready.bench, ready.surroundings)
    with unserved_port() as port:
        fake.configure(db_port=port)
        with pytest.raises(UnmeasurableError, match=str(port)):
            target.query("SELECT 1")
    target.close()


def test_columns_are_those_of_the_site_database(fake: FakeSite) -> None:
    fake.answers["information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s _1 tabUser"] = [("name",)]
    assert fake.site_target().columns("tabUser") == {"name"}
    assert fake.site_target().columns("tabOther") == set()
