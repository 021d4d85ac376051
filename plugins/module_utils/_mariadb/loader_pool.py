"""Work for several connections: a queue bounded in bytes, jobs that lead to further jobs, the first error ends all."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Callable, Protocol

from .._system.errors import LifeboatError
from .load_target import Watch
from .loader_session import LoadSession

# What may wait or be on its way; a third of what the whole module may use of memory.
BUFFER_BYTES = 64 << 20
TICK_SECONDS = 0.5
WATCH_INTERVAL_SECONDS = 0.5


class Job(Protocol):
    """One thing to do on one connection."""

    size_bytes: int

    def run(self, session: LoadSession) -> Sequence[Job]:
        """Do it, and return what can be done now that it is done."""


class WorkerPool:
    """Runs jobs on as many connections as there are sessions.

    What follows from a job comes before what is still waiting: the keys of a finished table are built while its pages
    are in memory and while later tables are loaded, and nothing long is left for the end.

    Args:
        open_session: Opens one connection; called when the first job comes.
        connections: How many.
        tick: Called at least every half second while the caller waits; may raise.
    """

    def __init__(self, open_session: Callable[[], LoadSession], connections: int, tick: Callable[[], None]) -> None:
        self._condition = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._following: deque[Job] = deque()
        self._bytes = 0
        self._running = 0
        self._closed = False
        self._error: LifeboatError | None = None
        self._tick = tick
        self._open_session = open_session
        self._connections = connections
        self._sessions: list[LoadSession] = []
        self._threads: list[threading.Thread] = []

    def submit(self, job: Job) -> None:
        """Queue a job, waiting while too much is on its way. The first job opens the connections.

        Raises:
            LifeboatError: The first error of any job, or what the tick raises.
        """
        if not self._threads:
            self._start()
        self._wait(lambda: not self._bytes or self._bytes + job.size_bytes <= BUFFER_BYTES)
        with self._condition:
            self._waiting.append(job)
            self._bytes += job.size_bytes
            self._condition.notify()

    def check(self) -> None:
        """Say how far it is and notice what happened meanwhile, without waiting.

        Raises:
            LifeboatError: The first error of any job, or what the tick raises.
        """
        self._wait(lambda: True)

    def finish(self) -> None:
        """Wait until every job, and every job that follows from one, is done.

        Raises:
            LifeboatError: The first error of any job, or what the tick raises.
        """
        self._wait(lambda: not self._waiting and not self._following and not self._running)

    def fail(self, error: LifeboatError) -> None:
        """End everything because of an error; whoever waits gets it. Only the first one counts."""
        with self._condition:
            if self._error is None:
                self._error = error
            self._closed = True
            self._condition.notify_all()
        for session in self._sessions:
            session.break_off()

    def raise_if_ended(self) -> None:
        """Let a job that does not talk to its server for long notice that it is for nothing.

        Raises:
            LifeboatError: What ended everything; ``caller_gone`` when the caller gave up.
        """
        with self._condition:
            if self._error is not None:
                raise self._error
            if self._closed:
                raise LifeboatError(
                    "Gave up the load: whoever started it does not wait for it any more.", "caller_gone"
                )

    def close(self) -> None:
        """End the threads and their connections; a job that runs is broken off."""
        with self._condition:
            unfinished = bool(self._running or self._waiting or self._following)
            self._closed = True
            self._condition.notify_all()
        if unfinished:
            for session in self._sessions:
                session.break_off()
        for thread in self._threads:
            thread.join()
        for session in self._sessions:
            session.close()

    def _start(self) -> None:
        for _number in range(self._connections):
            self._sessions.append(self._open_session())
        for session in self._sessions:
            thread = threading.Thread(target=self._work, args=(session,), name="load", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _wait(self, ready: Callable[[], bool]) -> None:
        while True:
            with self._condition:
                if self._error is None and not ready():
                    self._condition.wait(TICK_SECONDS)
                if self._error is not None:
                    raise self._error
                is_ready = ready()
            self._tick()
            if is_ready:
                return

    def _take(self) -> Job | None:
        with self._condition:
            while not self._closed:
                queue = self._following or self._waiting
                if queue:
                    self._running += 1
                    return queue.popleft()
                self._condition.wait()
            return None

    def _work(self, session: LoadSession) -> None:
        job = self._take()
        while job is not None:
            following: Sequence[Job] = ()
            try:
                following = job.run(session)
            except LifeboatError as error:
                self.fail(error)
            except Exception as error:  # a defect of ours must not leave the caller waiting for ever
                self.fail(
                    LifeboatError(
                        f"Cannot go on with the load: {type(error).__name__} in one of its threads.",
                        "mariadb_statement_failed",
                    )
                )
            with self._condition:
                self._running -= 1
                self._bytes -= job.size_bytes
                self._following.extend(following)
                self._condition.notify_all()
            job = self._take()


@contextmanager
def watched(pool: WorkerPool, watch: Watch) -> Iterator[None]:
    """Ask a watch twice a second while the body runs; an error that it returns ends the pool."""
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(WATCH_INTERVAL_SECONDS):
            error = watch()
            if error is not None:
                pool.fail(error)
                return

    thread = threading.Thread(target=look, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
