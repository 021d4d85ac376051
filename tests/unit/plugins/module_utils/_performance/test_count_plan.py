from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.count_plan import (
    QUEUE_KEY,
    WEB_KEY,
    chosen_counts,
    proposal_line,
    propose_counts,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.measures import Measures, WorkerGroup
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

MEBIBYTE = 1024**2
SHORT = WorkerGroup(("short", "default"), 2, 0.5, 100 * MEBIBYTE)
LONG = WorkerGroup(("long", "default", "short"), 2, 0.1, 100 * MEBIBYTE)
MEASURES = Measures(
    seconds=60,
    cores=4,
    memory_bytes=10_000 * MEBIBYTE,
    available_bytes=5_000 * MEBIBYTE,
    web_workers=4,
    web_worker_bytes=200 * MEBIBYTE,
    web_waiting=0,
    queue_ages={"short": 10, "long": 0},
    groups=(LONG, SHORT),
    redis=(),
    response_seconds={},
)
PRESENT = {WEB_KEY: 4, QUEUE_KEY: 2}


def proposed(measures: Measures, **wanted: int) -> tuple[int, ...]:
    return tuple(each.proposed for each in chosen_counts(measures, PRESENT, wanted))


def lines(measures: Measures) -> list[str]:
    return [proposal_line(each) for each in propose_counts(measures, PRESENT)]


def test_bench_without_a_wait_stays_as_it_is() -> None:
    assert lines(MEASURES) == [
        "gunicorn_workers stays 4: no connection waited for a web worker.",
        "background_workers stays 2: no queue's workers were busy for more than 70 % of the time, and no job waited "
        "too long.",
    ]


def test_waiting_connections_get_two_workers_a_core_and_one() -> None:
    waiting = replace(MEASURES, web_waiting=7)
    assert lines(waiting)[0] == (
        "gunicorn_workers from 4 to 9: 7 connections waited; 2 x 4 cores + 1 = 9, and the memory takes 24 of 200.0 MiB."
    )
    assert proposed(replace(waiting, available_bytes=1_500 * MEBIBYTE)) == (6, 2)
    assert proposed(replace(waiting, available_bytes=1_000 * MEBIBYTE)) == (4, 2)
    assert proposed(replace(waiting, cores=1)) == (4, 2), "more than the cores take stay"


def test_busy_workers_get_company_until_they_are_busy_seventy_percent() -> None:
    busy = replace(MEASURES, groups=(LONG, replace(SHORT, busy_share=0.95)))
    assert lines(busy)[1] == (
        "background_workers from 2 to 3: 2 x 0.95 / 0.7 workers of short, default are needed for at most 70 % of the "
        "time busy (1 min watched)."
    )
    no_room = replace(busy, available_bytes=1_000 * MEBIBYTE)
    assert "stays 2" in lines(no_room)[1]
    assert "the memory takes 2 of 200.0 MiB for each group" in lines(no_room)[1]


def test_late_job_gets_one_worker_more() -> None:
    late = replace(MEASURES, queue_ages={"short": 301, "long": 1400, "own": 0})
    assert "from 2 to 3: a job of short waits for 5 min 1 s, longer than 5 min" in lines(late)[1]
    assert proposed(replace(MEASURES, queue_ages={"own": 301})) == (4, 3)
    assert proposed(replace(MEASURES, queue_ages={"long": 1500})) == (4, 2)


def test_workers_go_where_memory_is_short() -> None:
    short = replace(MEASURES, available_bytes=700 * MEBIBYTE)
    assert proposed(short) == (2, 1)
    assert lines(short)[0] == (
        "gunicorn_workers from 4 to 2: 300.0 MiB are missing to the tenth of the memory that stays free, and one takes "
        "200.0 MiB."
    )
    assert [each.proposed for each in propose_counts(short, {WEB_KEY: 1, QUEUE_KEY: 1})] == [1, 1]


def test_worker_of_unknown_size_is_taken_for_a_large_one() -> None:
    unknown = replace(MEASURES, web_worker_bytes=0, groups=(), web_waiting=1, available_bytes=1_500 * MEBIBYTE)
    assert proposed(unknown) == (6, 2)


def test_wanted_numbers_count_unless_the_memory_does_not_take_them() -> None:
    assert proposed(MEASURES, gunicorn_workers=6, background_workers=1) == (6, 1)
    assert proposed(MEASURES, background_workers=22) == (4, 22)
    with pytest.raises(LifeboatError, match="Refused to set the numbers") as caught:
        proposed(MEASURES, background_workers=23)
    assert caught.value.error_code == "counts_refused"
    assert proposed(replace(MEASURES, available_bytes=0), gunicorn_workers=1)[0] == 1


def test_bench_keeps_one_worker_of_each_kind() -> None:
    with pytest.raises(LifeboatError, match="at least one of each kind") as caught:
        proposed(MEASURES, background_workers=0)
    assert caught.value.error_code == "counts_refused"
