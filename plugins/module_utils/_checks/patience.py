"""How long checks wait: what they wait for is given up so much before their deadline that they can still say so."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """What one check may take on one target, and what follows from it.

    Attributes:
        deadline_seconds: Then the check is given up.
    """

    deadline_seconds: float

    @property
    def wait_seconds(self) -> float:
        """How long a check waits for a program, or for a server that hangs."""
        return self.deadline_seconds * 5 / 6

    @property
    def answer_seconds(self) -> float:
        """What one answer of a server may take: a statement, which the server itself ends then, or a reply."""
        return self.deadline_seconds * 2 / 3

    @property
    def connect_seconds(self) -> int:
        """What connecting to a database server may take; its driver's option is a whole number."""
        return math.ceil(self.answer_seconds)


# For what runs every few minutes.
USUAL = Patience(3.0)
# For what a person waits for, or what a change depends on: a host in trouble is slow, and an answer is worth the time.
PATIENT = Patience(15.0)
