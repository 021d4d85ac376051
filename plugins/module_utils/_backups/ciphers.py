"""The programs that encrypt and decrypt artifacts: gpg with a passphrase, as bench does it, and age with keys."""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from .._system.errors import LifeboatError

GPG, AGE = "gpg", "age"
# The longest of the marks by which ``cipher_of`` knows content.
HEAD_BYTES = 32
# No user's settings play a part.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


class Cipher(ABC):
    """One program, for content that goes through its pipes.

    Attributes:
        name: The program.
        package: What to install where it is missing.
        opened_by: What opens the content, for people.
    """

    name: str
    package: str
    opened_by: str

    def program(self) -> str:
        """Return the path of the program.

        Raises:
            LifeboatError: ``gpg_missing`` or ``age_missing``.
        """
        path = shutil.which(self.name)
        if path is None:
            raise LifeboatError(
                f"Cannot encrypt or decrypt backups: {self.name} is not installed on this host. Install the package "
                f"{self.package} (role lifeboat.frappe.prerequisites) and run this again.",
                f"{self.name}_missing",
            )
        return path

    @abstractmethod
    def is_start(self, head: bytes) -> bool:
        """Tell whether content that was encrypted by the program begins so."""

    @abstractmethod
    def takes(self, key: str) -> bool:
        """Tell whether a text can be a key of this program at all."""

    @abstractmethod
    def decrypt_command(self, home: Path, secret_descriptor: int) -> list[str]:
        """Return the command that decrypts its input; the key is read from an inherited descriptor."""

    @abstractmethod
    def problem(self, exit_code: int, messages: str) -> str:
        """Return ``key_wrong`` or ``artifact_corrupt`` from how decrypting ended; "" when all of it is proven."""


class GpgCipher(Cipher):
    """A symmetric message of OpenPGP, which ``bench restore`` reads."""

    name = GPG
    package = "gnupg"
    opened_by = "the backup_encryption_key of the site that was backed up"
    # A message for a passphrase begins with a packet of tag 3, its length in one byte, and version 4 or 5 (RFC 4880,
    # 5.3).
    _TAGS = (0x8C, 0xC3)
    _VERSIONS = (4, 5)
    _VERSION_OFFSET = 2

    def is_start(self, head: bytes) -> bool:
        """Tell whether content that was encrypted by the program begins so."""
        return (
            len(head) > self._VERSION_OFFSET and head[0] in self._TAGS and head[self._VERSION_OFFSET] in self._VERSIONS
        )

    def takes(self, key: str) -> bool:
        """Tell whether a text can be a key of this program at all."""
        return bool(key)

    def decrypt_command(self, home: Path, secret_descriptor: int) -> list[str]:
        """Return the command that decrypts its input."""
        return [*self._command(home, secret_descriptor), "--status-fd", "2", "--decrypt"]

    def encrypt_command(self, home: Path, secret_descriptor: int) -> list[str]:
        """Return the command that encrypts its input; what it gets is compressed already where that helps."""
        return [
            *self._command(home, secret_descriptor),
            # Without a number of its own for the rounds of a passphrase gpg asks an agent, of which there is none.
            # Its digest has to stay gpg's default: bench asks file(1), which knows no other as encrypted data.
            *("--s2k-count", "16777216"),
            *("--cipher-algo", "AES256", "--compress-algo", "none", "--symmetric", "--output", "-"),
        ]

    def problem(self, exit_code: int, messages: str) -> str:
        """Return ``key_wrong`` or ``artifact_corrupt`` from how decrypting ended; "" when all of it is proven."""
        if exit_code == 0 and "[GNUPG:] DECRYPTION_OKAY" in messages:
            return ""
        if "[GNUPG:] PLAINTEXT " not in messages and "[GNUPG:] BEGIN_DECRYPTION" in messages:
            return "key_wrong"
        return "artifact_corrupt"

    def _command(self, home: Path, secret_descriptor: int) -> list[str]:
        # A home of its own: no key ring or option file of a user plays a part, and nothing is left behind.
        return [
            *(self.program(), "--homedir", str(home), "--no-options", "--batch", "--no-tty", "--no-autostart"),
            *("--pinentry-mode", "loopback", "--passphrase-fd", str(secret_descriptor), "--no-symkey-cache"),
        ]


class AgeCipher(Cipher):
    """A file of age, for the holders of private keys that need not be on this host."""

    name = AGE
    package = "age"
    opened_by = "the identity (private key) of one of the recipients that it was encrypted for"
    _START = b"age-encryption.org/v1\n"
    _IDENTITIES = ("AGE-SECRET-KEY-", "PRIVATE KEY-----")

    def is_start(self, head: bytes) -> bool:
        """Tell whether content that was encrypted by the program begins so."""
        return head.startswith(self._START)

    def takes(self, key: str) -> bool:
        """Tell whether a text can be a key of this program at all."""
        return any(mark in key for mark in self._IDENTITIES)

    def decrypt_command(self, home: Path, secret_descriptor: int) -> list[str]:
        """Return the command that decrypts its input."""
        del home  # age has no settings
        return [self.program(), "--decrypt", "--identity", f"/dev/fd/{secret_descriptor}"]

    def encrypt_command(self, recipients: Sequence[str]) -> list[str]:
        """Return the command that encrypts its input; recipients are public keys."""
        return [self.program(), "--encrypt", *(part for recipient in recipients for part in ("--recipient", recipient))]

    def problem(self, exit_code: int, messages: str) -> str:
        """Return ``key_wrong`` or ``artifact_corrupt`` from how decrypting ended; "" when all of it is proven."""
        if exit_code == 0:
            return ""
        return "key_wrong" if "no identity matched" in messages else "artifact_corrupt"


GPG_CIPHER = GpgCipher()
AGE_CIPHER = AgeCipher()
CIPHERS: tuple[Cipher, ...] = (GPG_CIPHER, AGE_CIPHER)


def cipher_of(head: bytes) -> Cipher | None:
    """Tell from its first bytes which program encrypted content, if any; a name may lie both ways."""
    return next((cipher for cipher in CIPHERS if cipher.is_start(head)), None)
