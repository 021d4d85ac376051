from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.login import administrator_login, complete_login

SOCKET = Path("/run/mysqld/mysqld.sock")


def test_root_by_socket_is_the_default_on_one_host():
    login = complete_login(LoginOptions(), {}, {"db_name": "_a"}, [SOCKET])
    assert login.login_unix_socket == str(SOCKET)


def test_without_a_usual_socket_the_loopback_is_used():
    assert complete_login(LoginOptions(), {}, {}, []).login_unix_socket is None


def test_the_server_is_the_sites_and_the_account_the_benchs_administrator():
    common = {"db_host": "db.example.com", "db_port": 3316, "root_login": "admin", "root_password": "secret"}
    login = complete_login(LoginOptions(), common, {"db_port": 3317}, [SOCKET])
    assert (login.login_host, login.login_port, login.login_unix_socket) == ("db.example.com", 3317, None)
    assert (login.login_user, login.login_password) == ("admin", "secret")


def test_a_sites_socket_is_honoured():
    assert complete_login(LoginOptions(), {}, {"db_socket": "/x.sock"}, [SOCKET]).login_unix_socket == "/x.sock"


def test_what_was_asked_for_wins():
    asked = LoginOptions(login_user="me", login_password="mine", login_host="other")
    assert complete_login(asked, {"db_host": "db", "root_password": "secret"}, {}, [SOCKET]) == asked


def test_an_unreadable_configuration_leaves_the_defaults(tmp_path):
    sites = tmp_path / "sites"
    (sites / "a.localhost").mkdir(parents=True)
    (sites / "common_site_config.json").write_text(json.dumps({"db_host": "db.example.com"}))
    (sites / "a.localhost" / "site_config.json").write_text("{broken")
    login = administrator_login(LoginOptions(config_file=str(tmp_path / "none")), Bench(tmp_path), "a.localhost")
    assert login.login_host == "db.example.com"
