"""How many web and queue workers a bench should have, worked out from what was measured. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .._system.errors import LifeboatError
from .._system.quantities import bytes_text, count_text, duration_text
from .measures import Measures

WEB_KEY, QUEUE_KEY = "gunicorn_workers", "background_workers"
# What bench itself writes, and gunicorn's documentation ("How many workers?").
WEB_WORKERS_A_CORE = 2
# From here on a queue's workers are too few (Frappe's System Health Report, check Q07).
MOST_BUSY_SHARE = 0.7
# Within this a queue's oldest job ought to begin: Frappe's own time limits of the queues (check Q04).
LONGEST_WAIT_SECONDS = {"short": 300, "default": 300, "long": 1500}
DEFAULT_WAIT_SECONDS = 300
# What stays free for the page cache and for peaks (reference: 10 % page cache).
RESERVED_SHARE = 0.1
# A worker that was not seen yet is taken to need this (own proposal: a Frappe process with ERPNext).
UNKNOWN_WORKER_BYTES = 250 * 1024**2


@dataclass(frozen=True)
class CountProposal:
    """How many workers of a kind: the key of common_site_config.json, now, proposed, and why, in numbers."""

    key: str
    present: int
    proposed: int
    reason: str


def propose_counts(measures: Measures, present: Mapping[str, int]) -> list[CountProposal]:
    """Return a proposal for each key.

    Web: ``2 x cores + 1`` while connections wait, else as they are. Queues: ``workers x busy share / 0.7`` of the
    busiest group, one more where a job waited longer than its queue allows. Both are bounded by
    ``(available - 10 % of the memory) / memory of a worker (p95)``; where less than the 10 % is available, workers go.

    Args:
        measures: What was measured.
        present: How many there are now, by key; of the queues, in each group.
    """
    room = measures.available_bytes - int(RESERVED_SHARE * measures.memory_bytes)
    web = _web_proposal(measures, present[WEB_KEY], room)
    room -= max(0, web.proposed - web.present) * _web_bytes(measures)
    return [web, _queue_proposal(measures, present[QUEUE_KEY], room)]


def chosen_counts(
    measures: Measures, present: Mapping[str, int], wanted: Mapping[str, int | None]
) -> list[CountProposal]:
    """Return the proposals with the numbers that a person wants instead.

    Args:
        measures: What was measured.
        present: How many there are now, by key.
        wanted: The numbers that are wanted, by key; None for the proposed one.

    Raises:
        LifeboatError: ``counts_refused`` when one is less than 1, or when they do not fit into the memory.
    """
    chosen = [
        proposal if (number := wanted.get(proposal.key)) is None else _wanted(proposal, number)
        for proposal in propose_counts(measures, present)
    ]
    sizes = {WEB_KEY: _web_bytes(measures), QUEUE_KEY: _queue_bytes(measures)}
    needed = sum((each.proposed - each.present) * sizes[each.key] for each in chosen)
    room = measures.available_bytes - int(RESERVED_SHARE * measures.memory_bytes)
    asked = [number for number in wanted.values() if number is not None]
    if min(asked, default=1) < 1:
        raise LifeboatError(
            "Refused to set the numbers of workers: a bench needs at least one of each kind. Ask for 1 or more.",
            "counts_refused",
        )
    if asked and needed > max(0, room):
        raise LifeboatError(
            f"Refused to set the numbers of workers: they need {bytes_text(needed)} more, and "
            f"{bytes_text(max(0, room))} are free besides the tenth that stays free. Choose fewer workers.",
            "counts_refused",
        )
    return chosen


def proposal_line(proposal: CountProposal) -> str:
    """Say a proposal for people."""
    change = "stays" if proposal.proposed == proposal.present else f"from {proposal.present} to"
    return f"{proposal.key} {change} {proposal.proposed}: {proposal.reason}."


def _wanted(proposal: CountProposal, number: int) -> CountProposal:
    return CountProposal(proposal.key, proposal.present, number, "it was asked for")


def _web_proposal(measures: Measures, present: int, room: int) -> CountProposal:
    size, most = _web_bytes(measures), WEB_WORKERS_A_CORE * measures.cores + 1
    if room < 0 and present > 1:
        fits = max(1, present - math.ceil(-room / size))
        return CountProposal(WEB_KEY, present, fits, _short_of_memory(room, size))
    if not measures.web_waiting:
        return CountProposal(WEB_KEY, present, present, "no connection waited for a web worker")
    fits = present + max(0, room) // size
    proposed = max(present, min(most, fits))
    reason = (
        f"{count_text(measures.web_waiting, 'connection')} waited; 2 x {measures.cores} cores + 1 = {most}, and the "
        f"memory takes {fits} of {bytes_text(size)}"
    )
    return CountProposal(WEB_KEY, present, proposed, reason)


def _queue_proposal(measures: Measures, present: int, room: int) -> CountProposal:
    size = _queue_bytes(measures)
    if room < 0 and present > 1:
        return CountProposal(
            QUEUE_KEY, present, max(1, present - math.ceil(-room / size)), _short_of_memory(room, size)
        )
    busiest = max(measures.groups, key=lambda group: group.busy_share, default=None)
    needed, reason = present, "no queue's workers were busy for more than 70 % of the time, and no job waited too long"
    if busiest is not None and busiest.busy_share > MOST_BUSY_SHARE:
        needed = max(needed, math.ceil(busiest.count * busiest.busy_share / MOST_BUSY_SHARE))
        reason = (
            f"{busiest.count} x {busiest.busy_share:.2f} / {MOST_BUSY_SHARE} workers of {', '.join(busiest.queues)} "
            f"are needed for at most 70 % of the time busy ({duration_text(measures.seconds)} watched)"
        )
    late = {name: age for name, age in measures.queue_ages.items() if age > _longest_wait(name)}
    if late:
        name, age = max(late.items(), key=lambda pair: pair[1])
        needed = max(needed, present + 1)
        reason = f"a job of {name} waits for {duration_text(age)}, longer than {duration_text(_longest_wait(name))}"
    fits = present + max(0, room) // size
    if fits < needed:
        reason += f"; the memory takes {fits} of {bytes_text(size)} for each group"
    return CountProposal(QUEUE_KEY, present, max(present, min(needed, fits)), reason)


def _short_of_memory(room: int, size: int) -> str:
    return (
        f"{bytes_text(-room)} are missing to the tenth of the memory that stays free, and one takes {bytes_text(size)}"
    )


def _web_bytes(measures: Measures) -> int:
    return measures.web_worker_bytes or UNKNOWN_WORKER_BYTES


def _queue_bytes(measures: Measures) -> int:
    """Return what one more worker in each group takes, as one number of workers is for all groups."""
    return sum(group.worker_bytes or UNKNOWN_WORKER_BYTES for group in measures.groups) or UNKNOWN_WORKER_BYTES


def _longest_wait(queue: str) -> int:
    return LONGEST_WAIT_SECONDS.get(queue, DEFAULT_WAIT_SECONDS)
