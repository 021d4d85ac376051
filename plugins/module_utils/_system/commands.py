"""Running programs: argument lists only, secrets on a pipe, never in an argument or the environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable

from .errors import LifeboatError


@dataclass(frozen=True)
class CommandResult:
    """What a program printed and how it ended."""

    arguments: tuple[str, ...]
    exit_code: int
    output: str
    error_output: str


CommandRunner = Callable[[Sequence[str]], CommandResult]


def run_command(arguments: Sequence[str], timeout_seconds: float = 60) -> CommandResult:
    """Run a program to its end and return what it printed, whatever its exit code.

    Raises:
        LifeboatError: ``command_missing`` when there is no such program, ``command_failed`` when it takes too long.
    """
    try:
        completed = subprocess.run(
            list(arguments), stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_seconds, check=False
        )
    except FileNotFoundError as error:
        raise LifeboatError(
            f"Cannot run {arguments[0]}: it is not installed. Install it and run this again.", "command_missing"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise LifeboatError(
            f"Cannot wait for {arguments[0]}: it did not end within {timeout_seconds:g} seconds.", "command_failed"
        ) from error
    return CommandResult(
        tuple(arguments),
        completed.returncode,
        completed.stdout.decode(errors="replace"),
        completed.stderr.decode(errors="replace"),
    )


@contextmanager
def secret_pipe(secret: str) -> Iterator[int]:
    """Yield a file descriptor from which a child process reads the secret (pass it with ``pass_fds``).

    Secrets are shorter than a pipe's buffer (64 KiB), so writing never waits for the reader.
    """
    read_descriptor, write_descriptor = os.pipe()
    try:
        os.write(write_descriptor, secret.encode())
        os.close(write_descriptor)
        yield read_descriptor
    finally:
        os.close(read_descriptor)


@contextmanager
def secret_file(secret: str) -> Iterator[int]:
    """Yield a file descriptor of a file in memory, for a program that opens ``/dev/fd/N`` more than once.

    Pass it with ``pass_fds``. Like a pipe it has no name that another account could open, and never reaches a disk.
    """
    descriptor = os.memfd_create("secret")
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, secret.encode())
        yield descriptor
    finally:
        os.close(descriptor)
