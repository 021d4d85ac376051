"""From what moment the data of a set is. The time in its name is never asked: it is in the site's own time zone."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import datetime, timezone

from .._system.quantities import DAY_SECONDS
from .artifacts import GZIP_MAGIC
from .names import DATABASE
from .sets import FROM_FILE, FROM_FOOTER, FROM_GZIP_HEADER, Artifact

# Local times differ from UTC by -12 to +14 hours.
ZONE_SECONDS = 14 * 3600
GZIP_TIME_BYTES = 8


def gzip_time(head: bytes) -> int:
    """Return the seconds since the epoch that a gzip header says, 0 where it says none or there is no such header.

    Frappe opens the dump with Python's gzip, which writes there, in UTC, when the dump began.
    """
    if len(head) < GZIP_TIME_BYTES or not head.startswith(GZIP_MAGIC):
        return 0
    return int(struct.unpack("<I", head[4:GZIP_TIME_BYTES])[0])


def at_a_glance(artifacts: Sequence[Artifact]) -> tuple[str, str]:
    """Return the recovery point and its source from what the catalogue knows of a set's artifacts."""
    first = next((artifact for artifact in artifacts if artifact.kind == DATABASE), artifacts[0])
    return recovery_point(first.compressed_at, None, first.modified_at)


def recovery_point(compressed_at: int, footer_time: str | None, modified_at: float) -> tuple[str, str]:
    """Return the recovery point (RFC 3339 in UTC) and its source.

    Args:
        compressed_at: What ``gzip_time`` said of the dump. It counts when the file was written, or the dump completed,
            within the day that followed; else somebody packed the dump again, or a clock was wrong.
        footer_time: The time of ``-- Dump completed on``, in the unknown zone of the machine that dumped.
        modified_at: When the file was written last, seconds since the epoch.
    """
    footer = _footer_moment(footer_time)
    if compressed_at and -1 <= modified_at - compressed_at <= DAY_SECONDS:
        return format_moment(compressed_at), FROM_GZIP_HEADER
    if footer is not None:
        after_seconds = footer.replace(tzinfo=timezone.utc).timestamp() - compressed_at
        if compressed_at and -ZONE_SECONDS <= after_seconds <= DAY_SECONDS + ZONE_SECONDS:
            return format_moment(compressed_at), FROM_GZIP_HEADER
        return format_moment(footer.timestamp()), FROM_FOOTER
    return format_moment(modified_at), FROM_FILE


def format_moment(seconds: float) -> str:
    """Write seconds since the epoch as RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _footer_moment(text: str | None) -> datetime | None:
    try:
        # Without a zone on purpose: it counts as this machine's local time, since nothing tells a better one.
        return datetime.strptime(" ".join((text or "").split()), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
    except ValueError:
        return None
