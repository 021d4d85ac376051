"""Check of the errors in the journal, against what is usual on this host."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from statistics import median

from ..findings import CRITICAL, OK, UNKNOWN, WARNING
from ..registry import Measurement, Remediation, check
from ..targets.host import Host

# Against the median of earlier runs, and only where that many errors are more than the noise of any host.
WARNING_TIMES, CRITICAL_TIMES = 3, 10
NOISE_PER_HOUR = 10
LEAST_RUNS = 12
MOST_LINES = 5000


@check(
    "H23",
    "journal.errors",
    title="Errors in the journal",
    subject="host",
    target=Host,
    measures="messages of priority error and worse in the last hour, against the median of earlier runs",
    source="journalctl -p 3",
    unit="count",
    impact="medium",
    remediation=Remediation(
        "Read them (journalctl -p 3 --since -1h), of the unit that is named first; keep the journal over a boot with "
        "Storage=persistent in /etc/systemd/journald.conf."
    ),
    reference="3 and 10 times the usual: own proposal; Lynis LOGG-2136 (a journal that is kept)",
)
def journal_errors(target: Host) -> Iterator[Measurement]:
    """Count them, name the units that wrote most, and see whether the journal outlives a boot."""
    target.require_systemd()
    is_kept = target.path("/var/log/journal").is_dir()
    kept = "the journal is kept over a boot" if is_kept else "the journal is lost at the next boot"
    yield Measurement(None, "storage", kept, severity=OK if is_kept else WARNING)
    output = target.output_of(
        ["journalctl", "--quiet", "--no-pager", "--priority=3", "--since=-1h", f"--lines={MOST_LINES}", "--output=json",
         "--output-fields=_SYSTEMD_UNIT,SYSLOG_IDENTIFIER"]
    )  # fmt: skip
    writers = Counter(map(_writer, output.splitlines()))
    count = sum(writers.values())
    earlier = [point.value for point in target.surroundings.history.points("H23", target.name, "errors")]
    evidence = tuple(f"{writer}: {number} messages" for writer, number in writers.most_common(5))
    if len(earlier) < LEAST_RUNS:
        text = (
            f"{count} errors in the last hour; what is usual is known after {LEAST_RUNS} runs ({len(earlier)} so far)"
        )
        yield Measurement(count, "errors", text, evidence, UNKNOWN)
        return
    usual = max(median(earlier), NOISE_PER_HOUR)
    severity = CRITICAL if count > CRITICAL_TIMES * usual else WARNING if count > WARNING_TIMES * usual else OK
    text = f"{count} errors in the last hour; {median(earlier):g} are usual"
    yield Measurement(count, "errors", text, evidence, severity)


def _writer(line: str) -> str:
    try:
        record = json.loads(line)
    except ValueError:
        return "unknown"
    return str(record.get("_SYSTEMD_UNIT") or record.get("SYSLOG_IDENTIFIER") or "unknown")
