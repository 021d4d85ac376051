"""Opening an artifact: as it lies there, or decrypted on the way. An artifact is never renamed or changed."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from .._system.commands import secret_pipe
from .._system.errors import LifeboatError
from .ciphers import ENVIRONMENT, HEAD_BYTES, Cipher, cipher_of

GZIP_MAGIC = b"\x1f\x8b"


def is_encrypted(head: bytes) -> bool:
    """Tell from its first bytes whether content is encrypted; a name may lie both ways."""
    return cipher_of(head) is not None


@contextmanager
def open_artifact(path: Path, encryption_key: str | None = None) -> Iterator[BinaryIO]:
    """Open the content of an artifact for reading from its beginning to its end.

    An encrypted artifact is decrypted through pipes. Whether it is whole is known only at its end: whoever trusts the
    content has to read until ``read`` returns nothing.

    Args:
        path: The artifact.
        encryption_key: The passphrase, or for age the text of an identity; not used for plain artifacts.

    Raises:
        LifeboatError: ``artifact_missing``, ``key_missing``, ``key_wrong``, ``gpg_missing``, ``age_missing``;
            ``artifact_corrupt`` from ``read``, when the end of a damaged or cut encrypted artifact is reached.
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
        cipher = cipher_of(os.pread(descriptor, HEAD_BYTES, 0))
        if cipher is None:
            yield stream
            return
        with _decrypted(path, stream, cipher, encryption_key) as plain:
            yield cast(BinaryIO, plain)


@contextmanager
def _decrypted(
    path: Path, encrypted: BinaryIO, cipher: Cipher, encryption_key: str | None
) -> Iterator[DecryptedStream]:
    if not encryption_key or not cipher.takes(encryption_key):
        raise LifeboatError(
            f"Cannot read {path}: it is encrypted with {cipher.name} and no key for it is known. Give encryption_key: "
            f"it is {cipher.opened_by}.",
            "key_missing",
            {"path": str(path)},
        )
    with tempfile.TemporaryDirectory(prefix="lifeboat-key-") as home, secret_pipe(encryption_key) as secret:
        messages_path = Path(home, "messages")
        with (
            messages_path.open("wb") as messages,
            subprocess.Popen(
                cipher.decrypt_command(Path(home), secret),
                stdin=encrypted,
                stdout=subprocess.PIPE,
                stderr=messages,
                pass_fds=(secret,),
                env=ENVIRONMENT,
            ) as process,
        ):
            try:
                yield DecryptedStream(path, cipher, process, messages_path)
            finally:
                process.kill()


class DecryptedStream:
    """The plain content of an encrypted artifact, as it comes out of the program that decrypts it."""

    def __init__(self, path: Path, cipher: Cipher, process: subprocess.Popen[bytes], messages_path: Path) -> None:
        self._path = path
        self._cipher = cipher
        self._process = process
        self._messages_path = messages_path

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes; nothing only at the end of content that is proven to be whole.

        Raises:
            LifeboatError: ``key_wrong`` or ``artifact_corrupt``.
        """
        content = cast(BinaryIO, self._process.stdout).read(size)
        if len(content) != size:
            self._check_end()
        return content

    def _check_end(self) -> None:
        exit_code = self._process.wait()
        problem = self._cipher.problem(exit_code, self._messages_path.read_text(errors="replace"))
        if problem == "key_wrong":
            raise LifeboatError(
                f"Cannot decrypt {self._path}: the key is not the one that it was encrypted with (or its first bytes "
                f"are damaged). Give {self._cipher.opened_by}.",
                "key_wrong",
                {"path": str(self._path)},
            )
        if problem:
            raise LifeboatError(
                f"Cannot decrypt {self._path} to its end: it was cut or changed after it was written. Use another set, "
                "or fetch this artifact again.",
                "artifact_corrupt",
                {"path": str(self._path), "exit_code": exit_code},
            )
