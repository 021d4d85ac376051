"""Encrypting what is written, on its way to the disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..._bench.configuration import key_fingerprint
from ..._bench.layout import Site
from ..._system.commands import secret_pipe
from ..._system.errors import LifeboatError
from ..ciphers import AGE, AGE_CIPHER, GPG, GPG_CIPHER
from ..keys import key_in
from .filters import Write, through


@dataclass(frozen=True)
class Encryption:
    """How the artifacts of a set are encrypted.

    Attributes:
        method: ``gpg``, ``age`` or "" for not at all.
        passphrase: What gpg encrypts with.
        recipients: The public keys for age.
    """

    method: str = ""
    passphrase: str = field(default="", repr=False)
    recipients: tuple[str, ...] = ()

    @property
    def key_fingerprint(self) -> str:
        """What tells the keys of two sets apart without telling them; of all recipients together for age."""
        return key_fingerprint(self.passphrase or "\n".join(sorted(self.recipients))) if self.method else ""

    @property
    def mark(self) -> str:
        """What bench adds to the names of encrypted artifacts."""
        return "-enc" if self.method else ""


def choose_encryption(
    method: str, encryption_key: str | None, recipients: Sequence[str], identity: str | None, site: Site
) -> tuple[Encryption, str | None]:
    """Return how a set is encrypted, and what opens it again on this host, None where that is elsewhere.

    Args:
        method: ``none``, ``gpg`` or ``age``.
        encryption_key: The passphrase for gpg; without it that of the site is taken, as bench does.
        recipients: The public keys for age.
        identity: The private key of one of them.
        site: The site.

    Raises:
        LifeboatError: ``key_missing`` when there is nothing to encrypt with.
    """
    if method == GPG:
        passphrase = encryption_key or key_in(site.config_path)
        if not passphrase:
            raise LifeboatError(
                f"Cannot encrypt the backup of {site.name}: no encryption_key was given, and the site has no "
                "backup_encryption_key. Give one, and keep it where it outlives this host.",
                "key_missing",
            )
        return Encryption(GPG, passphrase=passphrase), passphrase
    if method == AGE:
        if not recipients:
            raise LifeboatError(
                f"Cannot encrypt the backup of {site.name} with age: no age_recipients were given.", "key_missing"
            )
        return Encryption(AGE, recipients=tuple(recipients)), identity
    return Encryption(), None


@contextmanager
def encrypting(encryption: Encryption, write: Write) -> Iterator[Write]:
    """Yield what takes plain content; ``write`` gets it encrypted, all of it when the block has ended.

    Raises:
        LifeboatError: ``gpg_missing``, ``age_missing``, or ``command_failed`` when the program fails.
    """
    with ExitStack() as stack:
        if encryption.method == GPG:
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="lifeboat-key-"))
            secret = stack.enter_context(secret_pipe(encryption.passphrase))
            command = GPG_CIPHER.encrypt_command(Path(home), secret)
            write = stack.enter_context(through(command, write, (secret,)))
        elif encryption.method == AGE:
            write = stack.enter_context(through(AGE_CIPHER.encrypt_command(encryption.recipients), write))
        yield write
