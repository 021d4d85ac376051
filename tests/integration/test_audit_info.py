"""``audit_info`` on the lab: what an owner asks, with an administrator's account and with that of a site."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.modules import audit_info

from tests.lab import Lab
from tests.modules import run_module


def facts(lab: Lab, **options: Any) -> dict[str, Any]:
    result = run_module(audit_info, bench_path=str(lab.bench_path), state_path=str(lab.state_path), **options)
    assert not result["failed"], result
    assert result["changed"] is False
    gathered: dict[str, Any] = result["facts"]
    return gathered


def test_an_administrator_sees_everything(lab: Lab) -> None:
    gathered = facts(lab, config_file=str(lab.mariadb.option_file))
    assert gathered["problems"] == []
    names = {program["name"] for program in gathered["software"]}
    assert {"MariaDB", "Redis", "Python", *lab.apps} <= names
    sizes = {one["site"]: one["bytes"] for one in gathered["sizes"]}
    assert all(sizes[site] > 0 for site in lab.sites)
    (server,) = gathered["databases"]
    accounts = {one["account"].partition("@")[0]: one for one in server["accounts"]}
    for site in lab.sites:
        database = lab.site_config(site)["db_name"]
        assert accounts[database]["databases"] == [database]
        assert accounts[database]["global_privileges"] == []
    (bench,) = gathered["benches"]
    assert [site["name"] for site in bench["sites"]] == lab.sites
    assert [backup["site"] for backup in gathered["backups"]] == lab.sites
    kinds = {peer["kind"] for peer in gathered["peers"]}
    assert {"kernel", "bench"} <= kinds
    assert any(kind.startswith("MariaDB 1") for kind in kinds)
    assert any(kind.startswith("Redis ") for kind in kinds)


def test_no_secret_is_returned(lab: Lab) -> None:
    text = json.dumps(facts(lab, config_file=str(lab.mariadb.option_file)))
    for site in lab.sites:
        configuration = lab.site_config(site)
        for key in ("db_password", "encryption_key", "backup_encryption_key"):
            assert configuration[key] not in text


def test_a_site_sees_what_it_may(lab: Lab) -> None:
    """Without an administrator the account of a site reads, and what that may not see is said."""
    gathered = facts(lab, config_file="/nonexistent", login_user="nobody", login_password="wrong")
    (server,) = gathered["databases"]
    assert server["version"]
    assert gathered["sizes"] == []
    assert [one["part"].partition(" ")[0] for one in gathered["problems"]] == ["sizes"]
