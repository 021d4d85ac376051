from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.history import History
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_keys import FINGERPRINT_CHARACTERS
from cryptography.fernet import Fernet

from tests.fake_site import NAME, FakeSite

KEY = Fernet.generate_key()
SEALED = (Fernet(KEY).encrypt(b"x").decode(),)
SEALED_BY_ANOTHER = (Fernet(Fernet.generate_key()).encrypt(b"x").decode(),)


@pytest.mark.parametrize(
    ("key", "rows", "severity", "value"),
    [
        ("", [], "ok", 0),
        ("", [SEALED], "critical", 1),
        (KEY.decode(), [SEALED], "ok", 0),
        (KEY.decode(), [], "ok", 0),
        (KEY.decode(), [SEALED, SEALED_BY_ANOTHER], "warning", 1),
        (KEY.decode(), [SEALED_BY_ANOTHER], "critical", 1),
        ("c2hvcnQ=", [], "critical", 0),
        ("ä", [], "critical", 0),
    ],
    ids=["none", "none-for-a-secret", "right", "right-without-a-secret", "partly", "wrong", "short", "no-key"],
)
def test_key_is_judged_by_what_it_opens(
    tmp_path: Path, key: str, rows: list[tuple[str]], severity: str, value: int
) -> None:
    fake = FakeSite(tmp_path)
    fake.configure(db_name="_1", encryption_key=key)
    fake.answers["__Auth"] = rows
    finding = fake.look("F02")[""]
    assert (finding.severity, finding.value) == (severity, value)
    assert not key or key not in finding.fact + finding.text


def test_other_key_than_at_the_last_run_is_told_once(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.configure(encryption_key=KEY.decode())
    fake.answers["__Auth"] = [SEALED]
    fact = fake.look("F02")[""].fact
    assert len(fact) == FINGERPRINT_CHARACTERS
    for known, severity in ((fact, "ok"), ("another", "warning"), ("", "ok")):
        history = History([{"at_seconds": 0, "values": {}, "facts": {f"F02|{NAME}|": known}}])
        assert fake.look("F02", history=history)[""].severity == severity
