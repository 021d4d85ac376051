"""Measures from outside how long a site does not answer: asks an address every 50 milliseconds."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass

from .background import Background

INTERVAL_SECONDS = 0.05
TIMEOUT_SECONDS = 60.0
NO_ANSWER = 0


@dataclass(frozen=True)
class Answer:
    """One question and its answer: Unix times of both, and the status, 0 where there was no answer."""

    asked_at: float
    answered_at: float
    status: int

    @property
    def good(self) -> bool:
        """Whether a user was served."""
        return self.status == http.client.OK


@dataclass(frozen=True)
class Outage:
    """From the last good answer before to the first good one after; ``statuses`` are those in between."""

    began_at: float
    ended_at: float
    statuses: tuple[int, ...]

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.ended_at - self.began_at


class Prober(Background):
    """``with Prober(port, site) as prober: ...``, then read ``answers``, ``outages()`` and ``downtime_seconds()``."""

    def __init__(self, port: int, site: str, path: str = "/login", interval_seconds: float = INTERVAL_SECONDS) -> None:
        super().__init__(f"prober {site}{path}")
        self.port = port
        self.site = site
        self.path = path
        self.interval_seconds = interval_seconds
        self.answers: list[Answer] = []

    def failures(self, since: float = 0.0) -> list[Answer]:
        """The answers that were not good, of questions asked at or after a Unix time."""
        return [answer for answer in self.answers if not answer.good and answer.asked_at >= since]

    def outages(self, since: float = 0.0) -> list[Outage]:
        """Every stretch without a good answer that a question at or after a Unix time fell into."""
        found: list[Outage] = []
        last_good = self.answers[0].asked_at if self.answers else 0.0
        bad: list[Answer] = []
        for answer in self.answers:
            if not answer.good:
                bad.append(answer)
                continue
            if bad and bad[-1].asked_at >= since:
                found.append(Outage(last_good, answer.answered_at, tuple(one.status for one in bad)))
            bad = []
            last_good = answer.answered_at
        if bad:
            found.append(Outage(last_good, bad[-1].answered_at, tuple(one.status for one in bad)))
        return found

    def downtime_seconds(self, since: float = 0.0) -> float:
        """The sum of the outages since a Unix time."""
        return sum(outage.seconds for outage in self.outages(since))

    def longest_wait_seconds(self, since: float = 0.0) -> float:
        """The longest time that one question waited for its answer, whatever that was."""
        return max((one.answered_at - one.asked_at for one in self.answers if one.asked_at >= since), default=0.0)

    def _run(self) -> None:
        due = time.monotonic()
        while not self._ending.is_set():
            asked_at = time.time()
            status = ask(self.port, self.site, self.path)
            self.answers.append(Answer(asked_at, time.time(), status))
            due = max(due + self.interval_seconds, time.monotonic())
            self._ending.wait(due - time.monotonic())


def ask(port: int, site: str, path: str, timeout_seconds: float = TIMEOUT_SECONDS) -> int:
    """Ask a site for an address and return the status, 0 where no answer came."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
    try:
        connection.request("GET", path, headers={"Host": site})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return NO_ANSWER
    else:
        return answer.status
    finally:
        connection.close()
