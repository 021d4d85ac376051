"""What a person is told when the system does not let us write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..._system.errors import LifeboatError
from ..._system.files import NO_SPACE


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failure of the system into an error that says what to do.

    Raises:
        LifeboatError: ``disk_space`` or ``settings_unwritable``.
    """
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            raise LifeboatError(
                f"Cannot write {path}: the file system is full. The settings are as they were. Make room, then run "
                "this again.",
                "disk_space",
            ) from None
        raise LifeboatError(
            f"Cannot write {path}: {error.strerror}. The settings are as they were. Run this as root (become), or name "
            "another place with drop_in_path.",
            "settings_unwritable",
        ) from None
