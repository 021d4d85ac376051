from __future__ import annotations

import hashlib
import subprocess

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.artifacts import open_artifact
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.making.encryption import (
    Encryption,
    choose_encryption,
    encrypting,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

CONTENT = bytes(range(256)) * 8192
PASSPHRASE = 'p"a#s\\s'
GPG = Encryption("gpg", passphrase=PASSPHRASE)


@pytest.fixture
def identity(tmp_path):
    path = tmp_path / "identity.txt"
    subprocess.run(["age-keygen", "-o", path], check=True, capture_output=True)
    return path.read_text()


def recipient_of(identity):
    return identity.split("# public key: ")[1].split()[0]


def written(encryption):
    parts = []
    with encrypting(encryption, parts.append) as write:
        for start in range(0, len(CONTENT), 100_000):
            write(CONTENT[start : start + 100_000])
    return b"".join(parts)


def read(path, key):
    with open_artifact(path, key) as stream:
        return b"".join(iter(lambda: stream.read(65536), b""))


def test_nothing_is_done_where_nothing_was_asked_for():
    assert written(Encryption()) == CONTENT
    assert (Encryption().mark, Encryption().key_fingerprint) == ("", "")


def test_gpg_encrypts_as_bench_does(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(written(GPG))
    # By these bytes file(1), which bench asks, knows it: a passphrase, version 4, AES256, salted rounds of SHA-1.
    assert path.read_bytes()[:6] == bytes([0x8C, 13, 4, 9, 3, 2])
    assert read(path, PASSPHRASE) == CONTENT
    opened = subprocess.run(
        [
            "gpg",
            "--batch",
            "--quiet",
            "--pinentry-mode=loopback",
            "--passphrase-fd=0",
            f"--homedir={tmp_path}",
            "-d",
            path,
        ],
        input=PASSPHRASE.encode(),
        capture_output=True,
        check=True,
    )
    assert opened.stdout == CONTENT
    assert GPG.mark == "-enc"
    assert GPG.key_fingerprint == hashlib.sha256(PASSPHRASE.encode()).hexdigest()[:12]
    assert PASSPHRASE not in repr(GPG)


def test_each_recipient_opens_what_age_encrypted(tmp_path, identity):
    other_path = tmp_path / "other.txt"
    subprocess.run(["age-keygen", "-o", other_path], check=True, capture_output=True)
    other = other_path.read_text()
    encryption = Encryption("age", recipients=(recipient_of(identity), recipient_of(other)))
    path = tmp_path / "x"
    path.write_bytes(written(encryption))
    assert read(path, identity) == read(path, other) == CONTENT
    turned = Encryption("age", recipients=tuple(reversed(encryption.recipients)))
    assert turned.key_fingerprint == encryption.key_fingerprint != ""


def test_wrong_missing_and_unfit_keys_of_age_are_told_apart(tmp_path, identity):
    path = tmp_path / "x"
    path.write_bytes(written(Encryption("age", recipients=(recipient_of(identity),))))
    other_path = tmp_path / "other.txt"
    subprocess.run(["age-keygen", "-o", other_path], check=True, capture_output=True)
    for key, code in ((None, "key_missing"), ("a passphrase", "key_missing"), (other_path.read_text(), "key_wrong")):
        with pytest.raises(LifeboatError) as failure:
            read(path, key)
        assert failure.value.error_code == code
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LifeboatError) as failure:
        read(path, identity)
    assert failure.value.error_code == "artifact_corrupt"


def test_a_program_that_is_not_installed_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for encryption, code in ((GPG, "gpg_missing"), (Encryption("age", recipients=("age1x",)), "age_missing")):
        with pytest.raises(LifeboatError) as failure, encrypting(encryption, print):
            pass
        assert failure.value.error_code == code


@pytest.fixture
def site(tmp_path):
    site = Bench(tmp_path / "bench").site("a.b")
    site.path.mkdir(parents=True)
    return site


def test_the_key_is_the_given_one_or_the_sites_own(site):
    assert choose_encryption("none", "k", ["r"], "i", site) == (Encryption(), None)
    assert choose_encryption("gpg", "k", [], None, site) == (Encryption("gpg", passphrase="k"), "k")
    site.config_path.write_text('{"backup_encryption_key": "own"}')
    assert choose_encryption("gpg", None, [], None, site) == (Encryption("gpg", passphrase="own"), "own")
    assert choose_encryption("age", None, ["r"], "i", site) == (Encryption("age", recipients=("r",)), "i")


@pytest.mark.parametrize("method", ["gpg", "age"])
def test_without_a_key_nothing_is_encrypted(site, method):
    with pytest.raises(LifeboatError) as failure:
        choose_encryption(method, None, [], None, site)
    assert failure.value.error_code == "key_missing"
