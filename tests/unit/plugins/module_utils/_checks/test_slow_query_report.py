"""Which databases are whose; the digest itself is tested on a server, in tests/integration."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.slow_query_report import (
    administrator_of,
    site_schemas,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions


def bench_with(path: Path, **configurations: str) -> Bench:
    (path / "sites").mkdir(parents=True)
    (path / "sites" / "common_site_config.json").write_text(json.dumps({"db_host": "db.example.com"}))
    for site, configuration in configurations.items():
        (path / "sites" / site).mkdir()
        (path / "sites" / site / "site_config.json").write_text(configuration)
    return Bench(path)


def test_databases_are_named_by_their_sites(tmp_path: Path) -> None:
    bench = bench_with(tmp_path / "bench", one='{"db_name": "_1"}', two='{"db_name": "_2"}', broken="{")
    assert site_schemas([bench]) == {"_1": "one", "_2": "two"}


def test_the_server_is_that_of_the_first_site(tmp_path: Path) -> None:
    bench = bench_with(tmp_path / "bench", one='{"db_name": "_1", "db_port": 3307}')
    login = LoginOptions(login_user="root", login_password="secret")
    found = administrator_of([bench], login)
    assert (found.login_host, found.login_port, found.login_user) == ("db.example.com", 3307, "root")
    assert administrator_of([], login) == login
