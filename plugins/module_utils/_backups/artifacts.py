"""Opening an artifact: as it lies there, or decrypted on the way. An artifact is never renamed or changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from .._system.commands import secret_pipe
from .._system.errors import LifeboatError

GZIP_MAGIC = b"\x1f\x8b"
# A message for a passphrase begins with a packet of tag 3, its length in one byte, and version 4 (RFC 4880, 5.3) or 5.
ENCRYPTED_TAGS = (0x8C, 0xC3)
ENCRYPTED_VERSIONS = (4, 5)
HEAD_BYTES = 3
GPG = "gpg"


def is_encrypted(head: bytes) -> bool:
    """Tell from its first bytes whether content is encrypted with a passphrase; a name may lie both ways."""
    return len(head) >= HEAD_BYTES and head[0] in ENCRYPTED_TAGS and head[2] in ENCRYPTED_VERSIONS


@contextmanager
def open_artifact(path: Path, encryption_key: str | None = None) -> Iterator[BinaryIO]:
    """Open the content of an artifact for reading from its beginning to its end.

    An encrypted artifact is decrypted through pipes. Whether it is whole is known only at its end: whoever trusts the
    content has to read until ``read`` returns nothing.

    Args:
        path: The artifact.
        encryption_key: The passphrase; not used for plain artifacts.

    Raises:
        LifeboatError: ``artifact_missing``, ``key_missing``, ``key_wrong``, ``gpg_missing``; ``artifact_corrupt`` from
            ``read``, when the end of a damaged or cut encrypted artifact is reached.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise LifeboatError(
            f"Cannot read the artifact {path}: {error.strerror}. Look whether it is still there and may be read.",
            "artifact_missing",
            {"path": str(path)},
        ) from error
    with os.fdopen(descriptor, "rb") as stream:
        if not is_encrypted(os.pread(descriptor, HEAD_BYTES, 0)):
            yield stream
            return
        with _decrypted(path, stream, encryption_key) as plain:
            yield cast(BinaryIO, plain)


@contextmanager
def _decrypted(path: Path, cipher: BinaryIO, encryption_key: str | None) -> Iterator[DecryptedStream]:
    if not encryption_key:
        raise LifeboatError(
            f"Cannot read {path}: it is encrypted and no key for it is known. Give encryption_key: it is the "
            "backup_encryption_key of the site that was backed up.",
            "key_missing",
            {"path": str(path)},
        )
    program = shutil.which(GPG)
    if program is None:
        raise LifeboatError(
            f"Cannot decrypt {path}: gpg is not installed on this host. Install the package gnupg and run this again.",
            "gpg_missing",
            {"path": str(path)},
        )
    # A home of its own: no key ring or option file of a user plays a part, and nothing is left behind.
    with tempfile.TemporaryDirectory(prefix="lifeboat-gpg-") as home, secret_pipe(encryption_key) as passphrase:
        messages_path = Path(home, "messages")
        command = [
            *(program, "--homedir", home, "--no-options", "--batch", "--no-tty", "--no-autostart"),
            *("--pinentry-mode", "loopback", "--passphrase-fd", str(passphrase), "--no-symkey-cache"),
            *("--status-fd", "2", "--decrypt"),
        ]
        with (
            messages_path.open("wb") as messages,
            subprocess.Popen(
                command,
                stdin=cipher,
                stdout=subprocess.PIPE,
                stderr=messages,
                pass_fds=(passphrase,),
                env={"PATH": os.defpath, "LC_ALL": "C"},
            ) as gpg,
        ):
            try:
                yield DecryptedStream(path, gpg, messages_path)
            finally:
                gpg.kill()


class DecryptedStream:
    """The plain content of an encrypted artifact, as it comes out of gpg."""

    def __init__(self, path: Path, gpg: subprocess.Popen[bytes], messages_path: Path) -> None:
        self._path = path
        self._gpg = gpg
        self._messages_path = messages_path

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes; nothing only at the end of content that is proven to be whole.

        Raises:
            LifeboatError: ``key_wrong`` or ``artifact_corrupt``.
        """
        content = cast(BinaryIO, self._gpg.stdout).read(size)
        if len(content) != size:
            self._check_end()
        return content

    def _check_end(self) -> None:
        exit_code = self._gpg.wait()
        messages = self._messages_path.read_text(errors="replace")
        if exit_code == 0 and "[GNUPG:] DECRYPTION_OKAY" in messages:
            return
        if "[GNUPG:] PLAINTEXT " not in messages and "[GNUPG:] BEGIN_DECRYPTION" in messages:
            raise LifeboatError(
                f"Cannot decrypt {self._path}: the key is not the one that it was encrypted with (or its first bytes "
                "are damaged). Give the backup_encryption_key that the site had when it was backed up.",
                "key_wrong",
                {"path": str(self._path)},
            )
        raise LifeboatError(
            f"Cannot decrypt {self._path} to its end: it was cut or changed after it was written. Use another set, or "
            "fetch this artifact again.",
            "artifact_corrupt",
            {"path": str(self._path), "gpg_exit_code": exit_code},
        )
