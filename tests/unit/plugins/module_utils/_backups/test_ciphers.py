from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.ciphers import (
    AGE_CIPHER,
    GPG_CIPHER,
    cipher_of,
)


@pytest.mark.parametrize(
    ("head", "cipher"),
    [
        (b"\x8c\x0d\x04\x09", GPG_CIPHER),
        (b"\xc3\x0d\x05", GPG_CIPHER),
        (b"\x8c\x0d", None),
        (b"age-encryption.org/v1\n-> X", AGE_CIPHER),
        (b"age-encryption.org/v2\n", None),
        (b"\x1f\x8b\x08", None),
        (b"", None),
    ],
)
def test_the_first_bytes_tell(head, cipher):
    assert cipher_of(head) is cipher


@pytest.mark.parametrize(
    ("cipher", "exit_code", "messages", "problem"),
    [
        (GPG_CIPHER, 0, "[GNUPG:] DECRYPTION_OKAY", ""),
        (GPG_CIPHER, 0, "", "artifact_corrupt"),
        (GPG_CIPHER, 2, "[GNUPG:] BEGIN_DECRYPTION", "key_wrong"),
        (GPG_CIPHER, 2, "[GNUPG:] BEGIN_DECRYPTION [GNUPG:] PLAINTEXT 62", "artifact_corrupt"),
        (AGE_CIPHER, 0, "", ""),
        (AGE_CIPHER, 1, "age: error: no identity matched any of the recipients", "key_wrong"),
        (AGE_CIPHER, 1, "age: error: failed to decrypt", "artifact_corrupt"),
    ],
)
def test_how_decrypting_ended(cipher, exit_code, messages, problem):
    assert cipher.problem(exit_code, messages) == problem


def test_no_key_is_on_a_command_line():
    commands = [
        GPG_CIPHER.encrypt_command(Path("/home"), 7),
        GPG_CIPHER.decrypt_command(Path("/home"), 7),
        AGE_CIPHER.decrypt_command(Path("/home"), 7),
    ]
    assert [command for command in commands if "7" not in command and "/dev/fd/7" not in command] == []
    assert AGE_CIPHER.encrypt_command(["age1a", "age1b"])[1:] == [
        "--encrypt",
        "--recipient",
        "age1a",
        "--recipient",
        "age1b",
    ]


def test_what_can_be_a_key():
    assert (GPG_CIPHER.takes("anything"), GPG_CIPHER.takes("")) == (True, False)
    assert AGE_CIPHER.takes("# created\nAGE-SECRET-KEY-1X\n")
    assert AGE_CIPHER.takes(f"-----BEGIN OPENSSH {'PRIVATE'} KEY-----\n")
    assert not AGE_CIPHER.takes("a passphrase")
