from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.load_target import LoadResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.database_proof import (
    FILLED_TABLES,
    PRESENT_TABLES,
    SECRET_ABSENT,
    SECRET_LOCKED,
    SECRET_OPENS,
    opens,
    prove_database,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from cryptography.fernet import Fernet

ROWS = dict.fromkeys((*FILLED_TABLES, *PRESENT_TABLES), 2)


class Server:
    """Answers the two questions that the proof asks."""

    def __init__(self, tables: list[str], secrets: list[str]) -> None:
        self._answers = {"TABLE_NAME": tables, "password": secrets}
        self._rows: list[tuple[str]] = []

    def cursor(self) -> Server:
        return self

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_arguments: object) -> None:
        pass

    def execute(self, statement: str, _arguments: object) -> int:
        self._rows = [(value,) for value in self._answers[statement.split()[1]]]
        return len(self._rows)

    def fetchall(self) -> list[tuple[str]]:
        return self._rows


def prove(rows: dict[str, int], tables: list[str] | None = None, secrets: tuple[str, ...] = (), key: str | None = None):
    server = Server(list(rows) if tables is None else tables, list(secrets))
    return prove_database(server, "_staged", LoadResult(rows=rows, sequences=1), key)


def failure(*arguments, **options) -> str:
    with pytest.raises(LifeboatError) as raised:
        prove(*arguments, **options)
    assert raised.value.error_code == "proof_failed"
    return raised.value.message


def token(key: bytes) -> str:
    return Fernet(key).encrypt(b"a stored password").decode()


def test_a_token_opens_with_its_key_alone():
    key, other = Fernet.generate_key(), Fernet.generate_key()
    sealed = token(key)
    assert opens(sealed, key.decode())
    assert not opens(sealed, other.decode())
    assert not opens(sealed[:-8] + "AAAAAAA=", key.decode())
    assert not opens(sealed, "short")
    assert not opens(sealed, key.decode()[:20] + "====")
    assert not opens("gAAAA", key.decode())
    assert not opens("", key.decode())


def test_what_was_proven_is_said():
    key = Fernet.generate_key()
    proof = prove(ROWS, secrets=(token(Fernet.generate_key()), token(key)), key=key.decode())
    assert (proof["tables"], proof["rows"], proof["sequences"]) == (4, 8, 1)
    assert proof["stored_secret"] == SECRET_OPENS
    assert prove(ROWS, key=key.decode())["stored_secret"] == SECRET_ABSENT
    assert prove(ROWS, secrets=(token(key),))["stored_secret"] == SECRET_LOCKED


def test_what_is_no_whole_site_fails():
    assert "it has 3 tables" in failure(ROWS, tables=list(ROWS)[:3])
    assert "__Auth has no row" in failure({**ROWS, "__Auth": 0})
    without = {name: count for name, count in ROWS.items() if name != "tabInstalled Application"}
    assert "tabInstalled Application is missing" in failure(without)


def test_a_key_that_opens_nothing_fails_and_is_not_shown():
    key = Fernet.generate_key().decode()
    message = failure(ROWS, secrets=(token(Fernet.generate_key()),), key=key)
    assert "opens none" in message
    assert key not in message
