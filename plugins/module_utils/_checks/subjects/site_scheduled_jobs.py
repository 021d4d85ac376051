"""Checks of what a site's scheduler does: whether it ticks, which jobs it forgot, and which fail.

Frappe swallows the exceptions of scheduled jobs, so the queue calls them finished: only the site's own log knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ..._system.quantities import DAY_SECONDS, HOUR_SECONDS, duration_text
from ..registry import Measurement, NotApplicableError, Remediation, check
from ..targets.site import SiteTarget
from .site_scheduler import require_scheduler

# After so many days without a user, Frappe runs the jobs of a site once in 24 hours only.
DORMANT_DAYS = 4
# What Frappe's report takes: thirty ticks of 240 seconds. A job may wait in a busy queue for less.
OVERDUE_SECONDS = 30 * 240
SECONDS_BETWEEN = {
    "All": 240,
    "Hourly": HOUR_SECONDS,
    "Daily": DAY_SECONDS,
    "Weekly": 7 * DAY_SECONDS,
    "Monthly": 31 * DAY_SECONDS,
    "Yearly": 366 * DAY_SECONDS,
}
# The longest time between two runs, by the last field of the cron format that is not free.
SECONDS_BETWEEN_CRON = (HOUR_SECONDS, DAY_SECONDS, 31 * DAY_SECONDS, 366 * DAY_SECONDS, 7 * DAY_SECONDS)
# The window of Frappe's report: what began less than half an hour ago may still run.
FAILING_DAYS = 7
RUNNING_MINUTES = 30
# The queue "long" gives a job 25 minutes.
UNFINISHED_SECONDS = HOUR_SECONDS
FAILING_PERCENT = 10
JOBS_SHOWN = 5


@check(
    "F06",
    "scheduler.heartbeat",
    title="Scheduler that works",
    subject="site",
    target=SiteTarget,
    measures="Seconds since the last scheduled job began; for a dormant site, those beyond the 24 hours that it waits",
    source="tabScheduled Job Type, and the lock on config/scheduler_process in /proc/locks",
    unit="seconds",
    warning="720",
    critical="7200",
    impact="critical",
    remediation=Remediation(
        "Restart the bench's schedule process and its workers, and look into logs/scheduler.log and schedule.error.log."
    ),
    reference="3 and 30 ticks of 240 seconds; Frappe's System Health Report (oldest unscheduled job)",
)
def scheduler_heartbeat(site: SiteTarget) -> Iterator[Measurement]:
    """Look at the process that schedules, at the last job of the site, and at the job that waits the longest."""
    require_scheduler(site)
    yield _process(site)
    jobs = site.query(
        "SELECT name, frequency, cron_format, COALESCE(last_execution, creation)"
        " FROM `tabScheduled Job Type` WHERE stopped = 0"
    )
    if not jobs:
        raise NotApplicableError("the site has no scheduled job")
    is_dormant = _is_dormant(site)
    pause_seconds = DAY_SECONDS if is_dormant else 0
    now = site.local_now
    newest = max(began_at for *_others, began_at in jobs)
    age_seconds = max(0.0, (now - newest).total_seconds())
    dormant = ": nobody has used the site for days, so once in 24 hours is normal" if is_dormant else ""
    yield Measurement(
        max(0.0, age_seconds - pause_seconds),
        "last job",
        f"the last scheduled job began {duration_text(age_seconds)} ago{dormant}",
    )
    yield _longest_overdue(
        [
            ((now - began_at).total_seconds() - max(seconds_between(frequency, cron_format), pause_seconds), str(name))
            for name, frequency, cron_format, began_at in jobs
        ]
    )


def seconds_between(frequency: str | None, cron_format: str | None) -> int:
    """Return the longest time that regularly passes between two runs of a job.

    Args:
        frequency: As Frappe names it: ``All``, ``Hourly``, ``Daily Long``, ``Cron`` ...
        cron_format: The five fields of cron where the job has them; they decide.
    """
    fields = (cron_format or "").split()
    if len(fields) == len(SECONDS_BETWEEN_CRON):
        bound = [seconds for field, seconds in zip(fields, SECONDS_BETWEEN_CRON) if field not in {"*", "?"}]
        return max(bound, default=SECONDS_BETWEEN["All"])
    return SECONDS_BETWEEN.get((frequency or "").split(" ")[0], SECONDS_BETWEEN["Yearly"])


def _process(site: SiteTarget) -> Measurement:
    is_alive = _is_lock_held(site) or any(
        service.kind == "schedule" and service.pid is not None for service in site.bench.services
    )
    return Measurement(
        0 if is_alive else None,
        "process",
        "the bench's scheduler runs" if is_alive else "no process of the bench schedules jobs",
        severity="ok" if is_alive else "critical",
    )


def _is_lock_held(site: SiteTarget) -> bool:
    # Frappe 15 and later hold this lock while they schedule. Trying to take it could keep the scheduler from it.
    try:
        inode = (site.bench.bench.path / "config" / "scheduler_process").stat().st_ino
        locks = (site.surroundings.root / "proc" / "locks").read_text()
    except OSError:
        return False
    return any(line.split()[5].endswith(f":{inode}") for line in locks.splitlines() if "->" not in line)


def _is_dormant(site: SiteTarget) -> bool:
    days = site.system_settings.get("dormant_days", "")
    since = site.local_now - timedelta(days=int(days) if days.isdigit() and int(days) else DORMANT_DAYS)
    # No row changes before it is made, so whichever of the two columns has an index can be used.
    used = site.query(
        "SELECT 1 FROM `tabActivity Log` WHERE creation > %s AND modified > %s LIMIT 1", (since, since)
    ) or site.query("SELECT 1 FROM tabUser WHERE last_active > %s LIMIT 1", (since,))
    return not used


def _longest_overdue(overdue: list[tuple[float, str]]) -> Measurement:
    late = sorted(((seconds, name) for seconds, name in overdue if seconds > OVERDUE_SECONDS), reverse=True)
    if not late:
        return Measurement(0, "overdue jobs", "no scheduled job is overdue")
    seconds, name = late[0]
    return Measurement(
        seconds,
        "overdue jobs",
        f"{len(late)} scheduled jobs are overdue, {name} for {duration_text(seconds)}",
        tuple(f"{name}: {duration_text(seconds)}" for seconds, name in late),
        "warning",
    )


@check(
    "F07",
    "scheduler.failing",
    title="Scheduled jobs that fail",
    subject="site",
    target=SiteTarget,
    measures="Runs of the job that fails most which did not complete, in 7 days without the last 30 minutes",
    source="tabScheduled Job Log",
    unit="percent",
    warning="10",
    critical="50",
    impact="high",
    remediation=Remediation(
        "Open Scheduled Job Log, read the traceback of the job and mend its cause. For a job that never ends, restart "
        "the workers: a run that was killed keeps the next one from starting."
    ),
    reference="Frappe's System Health Report (10 %)",
)
def scheduler_failing(site: SiteTarget) -> Iterator[Measurement]:
    """Find the job that fails most, and the jobs whose last run never ended."""
    oldest = site.local_now - timedelta(days=FAILING_DAYS)
    rows = site.query(
        "SELECT scheduled_job_type, COUNT(*), SUM(COALESCE(status, '') <> 'Complete'), MAX(creation),"
        " MAX(IF(status = 'Start', creation, NULL))"
        " FROM `tabScheduled Job Log` WHERE creation > %s AND modified > %s AND creation < %s"
        " GROUP BY scheduled_job_type",
        (oldest, oldest, site.local_now - timedelta(minutes=RUNNING_MINUTES)),
    )
    failing = sorted(
        ((100 * int(failed) / runs, int(failed), runs, str(job)) for job, runs, failed, *_times in rows if failed),
        reverse=True,
    )
    shown = tuple(f"{job}: {failed} of {runs} runs" for _share, failed, runs, job in failing[:JOBS_SHOWN])
    yield Measurement(
        round(failing[0][0], 1) if failing else 0,
        "failing",
        f"{failing[0][3]} failed in {failing[0][1]} of {failing[0][2]} runs" if failing else "no scheduled job failed",
        shown,
    )
    stuck = unfinished_jobs([(str(job), last, started) for job, _runs, _failed, last, started in rows], site.local_now)
    yield Measurement(
        0,
        "unfinished",
        f"{len(stuck)} jobs began and never ended: {', '.join(stuck)}" if stuck else "every job that began has ended",
        severity="warning" if stuck else "",
    )


def unfinished_jobs(rows: list[tuple[str, datetime, datetime | None]], now: datetime) -> list[str]:
    """Return the jobs whose last run began long ago and has not ended.

    Args:
        rows: Of each job its name, when its last run began, and when the last run that has not ended began.
        now: The time now, as in the rows.
    """
    limit = timedelta(seconds=UNFINISHED_SECONDS)
    return sorted(job for job, last, started in rows if started is not None and started == last and now - last > limit)
