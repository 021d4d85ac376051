"""Texts as the files of a folder: what is there already stays untouched."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from .errors import LifeboatError
from .files import write_atomically


def write_texts(
    folder: Path, texts: Mapping[str, str], *, mode: int, folder_mode: int, writes: bool = True
) -> list[dict[str, str]]:
    """Write the texts that are not in a folder yet, each whole or not at all.

    Args:
        folder: The folder; it is made where it is missing, with its parents.
        texts: By the name of its file, each text.
        mode: Permission bits of every file.
        folder_mode: Permission bits of every folder that is made.
        writes: Whether anything is written, or only looked at.

    Returns:
        The difference of each file that was, or would be, written: ``before`` and ``after``, and as headers its path.

    Raises:
        LifeboatError: ``report_unwritable``.
    """
    try:
        differences = list(_differences(folder, texts, mode))
        if writes:
            _make_folder(folder, folder_mode)
            for difference in differences:
                write_atomically(Path(difference["after_header"]), difference["after"].encode(), mode)
    except OSError as error:
        raise LifeboatError(
            f"Cannot write the report to {folder}: {error.strerror}. Choose another folder, or make room in it, and "
            "run this again.",
            "report_unwritable",
        ) from error
    return differences


def _differences(folder: Path, texts: Mapping[str, str], mode: int) -> Iterator[dict[str, str]]:
    for name, text in texts.items():
        path = folder / name
        before = path.read_text(errors="replace") if path.is_file() else None
        if before != text or stat.S_IMODE(path.stat().st_mode) != mode:
            yield {"before": before or "", "after": text, "before_header": str(path), "after_header": str(path)}


def _make_folder(folder: Path, mode: int) -> None:
    """Give each new folder exactly these permission bits, whatever the umask is."""
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode, exist_ok=True)
        missing.chmod(mode)
