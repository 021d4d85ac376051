"""Sending what is written through a program, as a pipe of the shell does, with its errors and those of the disk."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Callable, cast

from ..._system.errors import LifeboatError
from ..ciphers import ENVIRONMENT

READ_BYTES = 1024 * 1024
Write = Callable[[bytes], object]


@contextmanager
def through(command: list[str], write: Write, descriptors: tuple[int, ...] = ()) -> Iterator[Write]:
    """Yield what takes content; ``write`` gets what a program makes of it, all of it when the block has ended.

    Args:
        command: The program and its arguments; it filters its input to its output.
        write: Takes its output, in a thread of its own.
        descriptors: Open files that the program inherits.

    Raises:
        LifeboatError: ``command_failed`` when the program fails; what ``write`` raises comes out as it is.
    """
    with (
        tempfile.TemporaryFile() as messages,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=messages,
            pass_fds=descriptors,
            env=ENVIRONMENT,
        ) as process,
    ):
        plain = cast(BinaryIO, process.stdin)
        pump = _Pump(process, write)
        pump.start()
        try:
            yield plain.write
            plain.close()
            pump.join()
        except BrokenPipeError:
            _abandon(plain)
            pump.join()
        except BaseException:
            process.kill()
            _abandon(plain)
            pump.join()
            raise
        if pump.error is not None:
            raise pump.error
        if process.wait() != 0:
            # What it printed may quote a recipient, and gpg's words change: its name and exit code say enough.
            raise LifeboatError(
                f"Cannot encrypt or compress the backup: {Path(command[0]).name} ended with exit code "
                f"{process.returncode}. Look whether it works on this host, and whether the recipients are right.",
                "command_failed",
            )


def _abandon(plain: BinaryIO) -> None:
    """Close the way to a program that reads no more, with what had not been sent yet."""
    with suppress(BrokenPipeError):
        plain.close()


class _Pump(threading.Thread):
    """Carries what the program puts out; it keeps the first error and ends the program then."""

    def __init__(self, process: subprocess.Popen[bytes], write: Write) -> None:
        super().__init__(name="filter", daemon=True)
        self._process = process
        self._write = write
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            for content in iter(lambda: cast(BinaryIO, self._process.stdout).read(READ_BYTES), b""):
                self._write(content)
        except BaseException as error:  # whatever it is, the thread that waits raises it
            self.error = error
            self._process.kill()
