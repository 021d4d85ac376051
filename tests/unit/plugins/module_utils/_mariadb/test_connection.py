from __future__ import annotations

import errno
import socket

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb import connection
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import (
    LoginOptions,
    connect,
    server_errors,
    with_config_file,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import (
    quote_grant_pattern,
    quote_identifier,
    quote_string,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.loader_session import load_error
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from pymysql import err


def test_names_and_texts_are_quoted():
    assert quote_identifier("a`b") == "`a``b`"
    assert quote_string("a'b\\c") == "'a''b\\\\c'"
    assert quote_grant_pattern("_a%b\\c") == "`\\_a\\%b\\\\c`"


def test_an_option_file_fills_what_is_open(tmp_path):
    path = tmp_path / "my.cnf"
    path.write_text(
        "!includedir /etc/x\n[client]\nuser = 'admin'\npassword=\"pa#ss\"\nhost=db\nport=3307\nsocket=/s\nquick\n"
    )
    options = LoginOptions(config_file=str(path))
    assert with_config_file(options) == LoginOptions("admin", "pa#ss", "db", 3307, "/s", str(path))
    given = LoginOptions("me", "mine", "other", 3308, "/t", str(path))
    assert with_config_file(given) == given
    assert with_config_file(LoginOptions(config_file=str(tmp_path / "none"))).login_user is None
    path.write_text("[mysqld]\nport=1\n")
    assert with_config_file(options) == options
    assert options.with_account("a", "b") == LoginOptions("a", "b")


def raising(error: Exception, monkeypatch) -> None:
    def refuse(**_settings):
        raise error

    monkeypatch.setattr(connection.pymysql, "connect", refuse)


def caused(number: int, cause: Exception) -> Exception:
    error = err.OperationalError(number, "text")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (err.OperationalError(1045, "denied secretword"), "mariadb_access_denied", "access denied"),
        (caused(2003, socket.gaierror()), "mariadb_unreachable", "does not resolve"),
        (caused(2003, ConnectionRefusedError()), "mariadb_unreachable", "nothing listens"),
        (caused(2003, FileNotFoundError()), "mariadb_unreachable", "no such socket"),
        (caused(2003, TimeoutError()), "mariadb_unreachable", "did not answer"),
        (err.OperationalError(2013, "lost"), "mariadb_unreachable", "handshake"),
    ],
)
def test_a_failed_login_names_its_stage(monkeypatch, error, code, words):
    raising(error, monkeypatch)
    with pytest.raises(LifeboatError) as raised:
        connect(LoginOptions(login_user="me", login_password="secretword"))
    assert raised.value.error_code == code
    assert words in raised.value.message
    assert "secretword" not in raised.value.message


def test_what_is_asked_for_reaches_the_driver(monkeypatch):
    seen: dict = {}
    monkeypatch.setattr(connection.pymysql, "connect", lambda **settings: seen.update(settings))
    connect(LoginOptions(ca_cert="/ca", client_cert="/c", client_key="/k"), "db")
    assert (seen["user"], seen["database"], seen["host"], seen["port"]) == ("root", "db", "localhost", 3306)
    assert (seen["ssl_ca"], seen["ssl_cert"], seen["ssl_key"]) == ("/ca", "/c", "/k")
    connect(LoginOptions(login_unix_socket="/s"), cursorclass=None)
    assert (seen["unix_socket"], seen["cursorclass"]) == ("/s", None)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (err.OperationalError(2013, "lost"), "mariadb_lost"),
        (err.InterfaceError(0, ""), "mariadb_lost"),
        (err.OperationalError(1142, "denied"), "mariadb_access_denied"),
        (err.ProgrammingError(1064, "secretword"), "mariadb_statement_failed"),
        (err.MySQLError(), "mariadb_statement_failed"),
    ],
)
def test_a_failed_statement_is_told_without_its_text(error, code):
    with pytest.raises(LifeboatError) as raised, server_errors("do it"):
        raise error
    assert raised.value.error_code == code
    assert "do it" in raised.value.message
    assert "secretword" not in raised.value.message


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (err.OperationalError(2006, "gone"), "mariadb_lost"),
        (err.InterfaceError(0, ""), "mariadb_lost"),
        (BrokenPipeError(errno.EPIPE, "pipe"), "mariadb_lost"),
        (err.OperationalError(1273, "secretword"), "collation_unknown"),
        (err.InternalError(1114, "full"), "disk_space"),
        (err.OperationalError(1021, "full"), "disk_space"),
        (err.OperationalError(1153, "long"), "statement_too_long"),
        (err.IntegrityError(1062, "Duplicate entry 'secretword'"), "mariadb_statement_failed"),
    ],
)
def test_a_failed_load_names_table_and_line_and_no_row(error, code):
    found = load_error(error, "tabUser", 77)
    assert found.error_code == code
    assert "tabUser, line 77" in found.message
    assert "secretword" not in found.message
    assert "line" not in load_error(error, "tabUser", 0).message.split(":")[0]
