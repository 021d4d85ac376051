"""What failed jobs of a bench ended with, read from RQ's keys: nothing is unpickled, nothing is cleaned up."""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .connection import redis_connection
from .keys import site_of, texts, utc_time

MOST_JOBS = 200
# A traceback is a few KiB; whoever writes to Redis may have made it unpack to more.
MOST_TEXT_BYTES = 64 * 1024


@dataclass(frozen=True)
class FailedJob:
    """A failed job; ``text`` is its traceback or why it was given up; ``site`` is empty where its id has none."""

    id: str
    site: str
    queue: str
    ended_at_seconds: float | None
    text: str


def read_failed_jobs(
    redis_url: str, bench_id: str, queues: Iterable[str], from_seconds: float, most: int = MOST_JOBS
) -> list[FailedJob]:
    """Return the jobs of a bench that failed since a moment, as far as RQ still has their results.

    Args:
        redis_url: The URL of the queue's Redis; it may hold a password.
        bench_id: What the names of the bench's queues begin with, without the colon.
        queues: The names of the queues, without the bench's prefix.
        from_seconds: The moment, in Unix time.
        most: How many of each queue are looked at, the newest first.

    Raises:
        LifeboatError: ``redis_unavailable`` or ``library_missing``.
    """
    with redis_connection(redis_url) as connection:
        return [
            job
            for queue in queues
            for job in _failed_jobs(connection, bench_id, queue, most)
            if job.ended_at_seconds is None or job.ended_at_seconds >= from_seconds
        ]


def _failed_jobs(connection: Any, bench_id: str, queue: str, most: int) -> Iterator[FailedJob]:
    # Their score is when RQ forgets them, so the newest have the highest.
    ids = texts(connection.zrevrange(f"rq:failed:{bench_id}:{queue}", 0, most - 1))
    with connection.pipeline(transaction=False) as pipeline:
        for job_id in ids:
            pipeline.hmget(f"rq:job:{job_id}", "exc_info", "ended_at")
            pipeline.xrevrange(f"rq:results:{job_id}", count=1)
        replies = pipeline.execute()
    for job_id, (trace, ended_at), results in zip(ids, replies[::2], replies[1::2]):
        # RQ up to 1.12 kept the text in the job itself, later ones keep it in a stream of results.
        text = _unpacked(trace) if trace else "".join(_result_text(fields) for _entry_id, fields in results)
        if text:
            ended = utc_time(texts([ended_at])[0])
            yield FailedJob(job_id, site_of(job_id), queue, ended.timestamp() if ended else None, text)


def _result_text(fields: dict[bytes, bytes]) -> str:
    try:
        return _unpacked(b64decode(fields.get(b"exc_string", b"")))
    except ValueError:
        return ""


def _unpacked(data: bytes) -> str:
    try:
        return zlib.decompressobj().decompress(data, MOST_TEXT_BYTES).decode(errors="replace")
    except zlib.error:
        return data[:MOST_TEXT_BYTES].decode(errors="replace")
