"""Which account a reader takes, and that a server that does not answer is asked once."""

from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.patience import Patience
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets import reader as reader_module
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.reader import DatabaseReader
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb import connection as connection_module
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

LOGINS = [LoginOptions("admin"), LoginOptions("site")]


class Server:
    """Lets some accounts in, and notes who knocked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *accounts: str) -> None:
        self.accounts = accounts
        self.asked: list[str] = []
        self.closed = 0
        self.read_timeouts: list[float] = []
        self.executed: list[str] = []
        monkeypatch.setattr(reader_module, "connect", self.connect)
        monkeypatch.setattr(reader_module, "execute", lambda _connection, statement: self.executed.append(statement))

    def connect(self, login: LoginOptions, _database: str | None, read_timeout: float) -> Server:
        self.read_timeouts.append(read_timeout)
        user = login.login_user or ""
        self.asked.append(user)
        if user not in self.accounts:
            raise LifeboatError(f"{user} is refused", "mariadb_access_denied")
        return self

    def close(self) -> None:
        self.closed += 1


def test_first_account_that_is_let_in_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, "site")
    reader = DatabaseReader(LOGINS)
    assert reader.login == reader.login == LOGINS[1]
    assert server.asked == ["admin", "site"]
    with reader.connection() as first, reader.connection() as second:
        assert first is second is server
    assert server.asked == ["admin", "site", "site"], "two at once need two connections"
    reader.close()
    assert server.closed == 2


def test_connection_on_which_something_failed_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, "admin")
    reader = DatabaseReader(LOGINS)
    with pytest.raises(RuntimeError), reader.connection():
        raise RuntimeError
    assert server.closed == 1
    with reader.connection():
        assert server.asked == ["admin", "admin"]


def test_server_that_lets_nobody_in_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch)
    reader = DatabaseReader(LOGINS)
    for _time in range(2):
        with pytest.raises(UnmeasurableError, match="admin is refused"):
            reader.query("SELECT 1")
    assert server.asked == ["admin", "site"]


def test_server_that_hangs_is_not_asked_for_every_account(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch)
    seconds = iter([0.0, 2.5])
    monkeypatch.setattr(reader_module.time, "monotonic", lambda: next(seconds))
    with pytest.raises(UnmeasurableError, match="admin"):
        assert DatabaseReader(LOGINS).login
    assert server.asked == ["admin"]


def test_times_follow_from_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, "admin")
    for reader in (DatabaseReader(LOGINS), DatabaseReader(LOGINS, patience=Patience(30))):
        assert reader.login == LOGINS[0]
    assert server.read_timeouts == [2.5, 25]
    limits = [statement for statement in server.executed if "max_statement_time" in statement]
    assert limits == ["SET SESSION max_statement_time = 2", "SET SESSION max_statement_time = 20"]


def test_second_connection_may_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, "admin")
    reader = DatabaseReader(LOGINS)
    with reader.connection():
        server.accounts = ()
        with pytest.raises(UnmeasurableError, match="refused"), reader.connection():
            pass


def test_without_accounts_there_is_a_reason() -> None:
    with pytest.raises(UnmeasurableError, match="no account is known"):
        DatabaseReader([]).query("SELECT 1")


def test_without_the_library_the_reason_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "HAS_PYMYSQL", False)
    with pytest.raises(UnmeasurableError, match="PyMySQL is not installed"):
        DatabaseReader(LOGINS).query("SELECT 1")
