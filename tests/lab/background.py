"""What goes on in a thread of its own from the start of a ``with`` block to its end."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TypeVar

Own = TypeVar("Own", bound="Background")


class Background(ABC):
    """``with`` starts the thread, the end of the block stops it; ``_run`` returns soon after ``_ending`` is set."""

    def __init__(self, name: str) -> None:
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self: Own) -> Own:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End what goes on, and wait for its end."""
        self._ending.set()
        self._thread.join()

    @abstractmethod
    def _run(self) -> None:
        """Do the work until ``_ending`` is set."""
