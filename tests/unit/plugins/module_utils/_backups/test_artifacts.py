from __future__ import annotations

import hashlib

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.artifacts import is_encrypted, open_artifact
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import KEY, encrypt

CONTENT = bytes(range(256)) * 4096


@pytest.fixture
def cipher(tmp_path):
    path = tmp_path / "20261121_144508-a-database-enc.sql.gz"
    path.write_bytes(encrypt(CONTENT))
    return path


def read(path, key=None):
    with open_artifact(path, key) as stream:
        return b"".join(iter(lambda: stream.read(65536), b""))


def code_of(path, key=None):
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(LifeboatError) as failure:
        read(path, key)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert KEY not in str(failure.value)
    return failure.value.error_code


def test_plain_content_is_read_as_it_is(tmp_path):
    path = tmp_path / "a-database-enc.sql.gz"
    path.write_bytes(CONTENT)
    assert read(path, "a key that is not needed") == CONTENT


def test_encrypted_content_is_decrypted(cipher):
    assert read(cipher, KEY) == CONTENT


def test_reading_may_end_early(cipher):
    with open_artifact(cipher, KEY) as stream:
        assert stream.read(10) == CONTENT[:10]


@pytest.mark.promise(18)
def test_no_key_a_wrong_key_and_no_gpg_are_three_errors(cipher, monkeypatch):
    assert code_of(cipher) == "key_missing"
    assert code_of(cipher, "wrong") == "key_wrong"
    monkeypatch.setenv("PATH", str(cipher.parent))
    assert code_of(cipher, KEY) == "gpg_missing"


@pytest.mark.promise(3)
@pytest.mark.parametrize("keep", [0.5, 0.999])
def test_a_cut_cipher_is_refused(cipher, keep):
    content = cipher.read_bytes()
    cipher.write_bytes(content[: int(len(content) * keep)])
    assert code_of(cipher, KEY) == "artifact_corrupt"


@pytest.mark.promise(3)
def test_a_changed_cipher_is_refused(cipher):
    content = bytearray(cipher.read_bytes())
    content[len(content) // 2] ^= 1
    cipher.write_bytes(content)
    assert code_of(cipher, KEY) == "artifact_corrupt"


def test_an_artifact_that_is_not_there_is_said(tmp_path):
    with pytest.raises(LifeboatError) as failure:
        read(tmp_path / "gone")
    assert failure.value.error_code == "artifact_missing"


@pytest.mark.parametrize(
    ("head", "expected"),
    [(b"\x8c\x0d\x04", True), (b"\xc3\x0d\x04", True), (b"\x8c\x0d", False), (b"\x1f\x8b\x08", False)],
)
def test_the_first_bytes_tell(head, expected):
    assert is_encrypted(head) is expected
