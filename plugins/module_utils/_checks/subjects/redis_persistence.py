"""What Redis servers keep on disk: whether saving works, and whether it happens."""

from __future__ import annotations

from collections.abc import Iterator

from ..._system.quantities import count_text, duration_text
from ..findings import CRITICAL, WARNING
from ..registry import Measurement, NotApplicableError, Remediation, UnmeasurableError, check
from ..targets.redis_instance import QUEUE, RedisInstance

STATUS_OK = "ok"


@check(
    "R05",
    "redis.persistence",
    title="Redis saves to disk",
    subject="redis",
    target=RedisInstance,
    measures="whether the last snapshot and the append-only file were written, and whether changes wait too long",
    source="INFO persistence, CONFIG GET save, stop-writes-on-bgsave-error",
    unit="bool",
    warning="0",
    impact="critical",
    remediation=Remediation(
        "Free disk space, make its folder writable for Redis, set vm.overcommit_memory=1; then BGSAVE. Until then a "
        "queue refuses every job (MISCONF)."
    ),
    reference="awesome-prometheus-alerts RedisMissingBackup, but by the server's own save points; RQ's MISCONF",
)
def persistence(target: RedisInstance) -> Iterator[Measurement]:
    """Ask how the last saves ended and when they were."""
    is_queue = QUEUE in target.roles
    failed = [
        what
        for field, what in (
            ("rdb_last_bgsave_status", "snapshot"),
            ("aof_last_bgrewrite_status", "rewrite of the append-only file"),
            ("aof_last_write_status", "write to the append-only file"),
        )
        if str(target.info.get(field, STATUS_OK)) != STATUS_OK
    ]
    if failed:
        refuses = _refuses_writes(target)
        text = f"the last {' and the last '.join(failed)} failed" + (", and writes are refused" if refuses else "")
        yield Measurement(1, text=text, severity=CRITICAL if is_queue or refuses else WARNING)
        return
    saves_every = [float(text) for text in target.setting("save").split()[::2]]
    has_log = bool(target.number("aof_enabled"))
    if not saves_every and not has_log:
        if not is_queue:
            raise NotApplicableError("it keeps nothing on disk, as a cache may")
        yield Measurement(1, text="the queue keeps nothing on disk: jobs that wait are lost when it ends")
    elif not saves_every:
        yield Measurement(0, text="every change goes to the append-only file")
    else:
        yield _snapshot_age(target, max(saves_every))


def _refuses_writes(target: RedisInstance) -> bool:
    try:
        return bool(target.setting("save")) and target.setting("stop-writes-on-bgsave-error") == "yes"
    except UnmeasurableError:
        return False  # that a save failed is worth telling all the same


def _snapshot_age(target: RedisInstance, longest_seconds: float) -> Measurement:
    changes = target.number("rdb_changes_since_last_save")
    age_seconds = target.now_seconds - target.number("rdb_last_save_time")
    text = f"the last snapshot is {duration_text(age_seconds)} old, with {count_text(int(changes), 'change')} since"
    # With a single change the longest save point is due once its time is over.
    return Measurement(int(changes > 0 and age_seconds > 2 * longest_seconds), text=text)
