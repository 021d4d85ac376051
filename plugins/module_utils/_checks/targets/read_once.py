"""A reading that all checks of one target share, however many of them ask at the same time."""

from __future__ import annotations

from threading import Lock
from typing import Any, Callable, Generic, TypeVar, overload

from ..registry import UnmeasurableError

Value = TypeVar("Value")


class _Reading:
    """What was read of one target: a value, or the reason why there is none."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.is_done = False
        self.value: Any = None
        self.reason = ""


class read_once(Generic[Value]):  # noqa: N801 (a decorator, as property is)
    """A property that is read once for all checks of a run.

    ``functools.cached_property`` will not do: up to Python 3.11 one lock holds up all targets while one of them hangs,
    from 3.12 on every check that asks meanwhile reads again, and a failure is not remembered, so that each check waits
    for the same dead server.
    """

    def __init__(self, read: Callable[[Any], Value]) -> None:
        self._read = read
        self.__doc__ = read.__doc__

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = f"read_once of {name}"

    @overload
    def __get__(self, target: None, owner: type) -> read_once[Value]: ...

    @overload
    def __get__(self, target: object, owner: type) -> Value: ...

    def __get__(self, target: object | None, owner: type) -> read_once[Value] | Value:
        if target is None:
            return self
        reading: _Reading = target.__dict__.setdefault(self._name, _Reading())
        with reading.lock:
            if not reading.is_done:
                try:
                    reading.value = self._read(target)
                except UnmeasurableError as reason:
                    reading.reason = str(reason)
                reading.is_done = True
        if reading.reason:
            raise UnmeasurableError(reading.reason)
        value: Value = reading.value
        return value
