"""What processes show of themselves while something runs."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PAUSE_SECONDS = 0.02  # long enough to leave a processor to what is looked at


@contextmanager
def sampled_processes(found: set[str], *folders: Path) -> Iterator[None]:
    """Collect what every process of this machine shows of itself, and what is in some folders, while the body runs.

    Args:
        found: Gets the command lines, the environments and the contents of files.
        folders: Whose files to read each time.
    """
    stop = threading.Event()
    earlier = processes()
    known: set[tuple[Path, int, int]] = set()

    def sample() -> None:
        found.update(shown(earlier))  # which they show to their end
        while not stop.wait(PAUSE_SECONDS):
            found.update(shown(processes() - earlier))
            found.update(contents(changed_files(folders, known)))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def processes() -> set[str]:
    """Return the ids of the processes that run now."""
    return set(filter(str.isdigit, os.listdir("/proc")))  # noqa: PTH208 (fast, because it is asked again and again)


def shown(those: Iterable[str]) -> Iterator[str]:
    """Yield the command lines and the environments of processes."""
    return contents(Path("/proc", process, name) for process in those for name in ("cmdline", "environ"))


def changed_files(folders: Iterable[Path], known: set[tuple[Path, int, int]]) -> Iterator[Path]:
    """Yield the files of folders that are new or were written to since they were yielded last."""
    # os.walk passes by what vanishes while it looks.
    walks = [walk for folder in folders for walk in os.walk(folder)]
    for path in [Path(root, name) for root, _folders, names in walks for name in names]:
        with suppress(OSError):
            status = path.stat()
            state = (path, status.st_mtime_ns, status.st_size)
            if state not in known:
                known.add(state)
                yield path


def contents(paths: Iterable[Path]) -> Iterator[str]:
    """Yield what is in files."""
    for path in paths:
        with suppress(OSError):  # it ended, is gone, or is not ours to read
            yield path.read_bytes().decode(errors="replace")
