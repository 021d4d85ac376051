"""What processes show of themselves while something runs."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
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

    def sample() -> None:
        while not stop.wait(PAUSE_SECONDS):
            shown = [process / name for process in Path("/proc").glob("[0-9]*") for name in ("cmdline", "environ")]
            # os.walk passes by what vanishes while it looks.
            walks = [walk for folder in folders for walk in os.walk(folder)]
            written = [Path(root, name) for root, _folders, names in walks for name in names]
            for path in (*shown, *written):
                with suppress(OSError):  # it ended, is gone, or is not ours to read
                    found.add(path.read_bytes().decode(errors="replace"))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
