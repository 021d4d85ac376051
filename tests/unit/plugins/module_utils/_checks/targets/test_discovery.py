"""Finding what there is to check, on benches made of files."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.patience import USUAL, Patience
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.database_server import DatabaseServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.discovery import (
    find_targets,
    server_name,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.redis_instance import RedisInstance
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.site import SiteTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings, Target
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions

NO_LOGIN = LoginOptions()


def make_bench(folder: Path, common: str, **sites: str) -> Bench:
    (folder / "sites").mkdir(parents=True)
    (folder / "sites" / "common_site_config.json").write_text(common)
    for name, configuration in sites.items():
        (folder / "sites" / name).mkdir()
        (folder / "sites" / name / "site_config.json").write_text(configuration)
    return Bench(folder)


def of_kind(kind: type[Target], found: list[Target]) -> list[Any]:
    return [target for target in found if isinstance(target, kind)]


def find(*benches: Bench, login: LoginOptions = NO_LOGIN, patience: Patience = USUAL) -> list[Target]:
    return find_targets(benches, login, Surroundings(patience=patience))


def test_host_alone(tmp_path: Path) -> None:
    assert [target.name for target in find_targets([], NO_LOGIN, Surroundings(root=tmp_path))] == ["host"]


def test_server_of_a_host_without_a_bench_is_found_by_its_socket(tmp_path: Path) -> None:
    path = tmp_path / "run/mysqld/mysqld.sock"
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        (server,) = of_kind(DatabaseServer, find_targets([], NO_LOGIN, Surroundings(root=tmp_path)))
    assert [login.login_unix_socket for login in server.logins] == [str(path)]
    assert server.is_local


def test_login_alone_leads_to_a_server() -> None:
    (server,) = of_kind(DatabaseServer, find(login=LoginOptions("admin", "x", "db.example.com")))
    assert (server.name, server.database_names) == ("db.example.com:3306", ())
    assert [login.login_user for login in server.logins] == ["admin"]


@pytest.mark.parametrize(("patience", "seconds"), [(USUAL, 2), (Patience(30), 20)], ids=["usual", "longer"])
def test_connecting_may_take_what_the_deadline_allows(tmp_path: Path, patience: Patience, seconds: int) -> None:
    alone = find(login=LoginOptions("admin", "x", "db.example.com"), patience=patience)
    bench = make_bench(tmp_path / "bench", "{}", a=json.dumps({"db_name": "_a", "db_password": "x"}))
    servers = of_kind(DatabaseServer, [*alone, *find(bench, patience=patience)])
    assert [login.connect_timeout for server in servers for login in server.logins] == [seconds] * 3


def test_sites_of_one_server_share_it(tmp_path: Path) -> None:
    common = json.dumps({"db_host": "127.0.0.1", "redis_cache": "redis://h:1", "redis_queue": "redis://h:2"})
    sites = {name: json.dumps({"db_name": f"_{name}", "db_password": "x"}) for name in ("a", "b")}
    other = json.dumps({"db_name": "_c", "db_password": "x", "db_host": "db2", "db_port": 3307})
    found = find(make_bench(tmp_path / "bench", common, **sites, c=other))
    first, second = of_kind(DatabaseServer, found)
    assert (first.name, first.database_names) == ("localhost:3306", ("_a", "_b"))
    assert [login.login_user for login in first.logins[1:]] == ["_a", "_b"]
    assert (second.name, second.database_names) == ("db2:3307", ("_c",))
    assert [target.name for target in of_kind(SiteTarget, found)] == ["a", "b", "c"]
    assert [target.name for target in of_kind(BenchTarget, found)] == [str(tmp_path / "bench")]


def test_redis_server_is_one_target_with_all_its_roles(tmp_path: Path) -> None:
    common = {
        "redis_cache": "redis://:secret@h:1",
        "redis_queue": "redis://h:2",
        "redis_socketio": "redis://:secret@h:1",
    }
    found = of_kind(RedisInstance, find(make_bench(tmp_path, json.dumps(common))))
    assert {target.name: target.roles for target in found} == {
        "redis://h:1": ("cache", "socketio"),
        "redis://h:2": ("queue",),
    }


def test_broken_configurations_hide_nothing_else(tmp_path: Path) -> None:
    good = json.dumps({"db_name": "_a", "db_password": "x"})
    found = find(make_bench(tmp_path / "one", "{", a=good), make_bench(tmp_path / "two", "{}", a=good, b="{"))
    assert [target.name for target in of_kind(SiteTarget, found)] == ["a", "a", "b"]
    assert len(of_kind(BenchTarget, found)) == 2
    (server,) = of_kind(DatabaseServer, found)
    assert "_a" in server.database_names


def test_bench_whose_sites_cannot_be_listed_is_a_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = make_bench(tmp_path, "{}")

    def refuse(_bench: Bench) -> None:
        raise PermissionError

    monkeypatch.setattr(Bench, "sites", refuse)
    assert of_kind(BenchTarget, find(bench))


@pytest.mark.parametrize(
    ("login", "name"),
    [
        (LoginOptions(login_host="127.0.0.1"), "localhost:3306"),
        (LoginOptions(login_host="::1", login_port=3307), "localhost:3307"),
        (LoginOptions(login_unix_socket="/run/m.sock"), "/run/m.sock"),
    ],
)
def test_a_server_has_one_name(login: LoginOptions, name: str) -> None:
    assert server_name(login) == name
