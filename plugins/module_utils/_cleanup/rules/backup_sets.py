"""Sets of backups that the collection's own retention no longer keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from ..._backups.inventory import with_drills
from ..._backups.repository import REPOSITORY_PATH, Repository
from ..._backups.retention import RetentionPolicy
from ..._backups.retention_run import SitePlan, apply_plan, plan_site
from ..._backups.sets import BackupSet
from ..._drill.set_readers import is_read
from ..._system.errors import LifeboatError
from ..tasks import DONE, REFUSED, Planned, Refusal, Task, TaskContext, TaskOutcome, TaskRule

ID = "backup_sets"
PATH_SETTING = "repository_path"
# What lifeboat.frappe.backup_retention keeps unless it is told otherwise.
POLICY = RetentionPolicy(keep_daily=7, keep_weekly=4, keep_monthly=6, keep_yearly=0, keep_minimum=2)


@dataclass(frozen=True)
class SetSettings:
    """Where the sets lie, and what is kept of them."""

    repository: Repository
    policy: RetentionPolicy


def _settings(values: Mapping[str, Any]) -> SetSettings:
    counts = asdict(POLICY)
    if set(values) - {*counts, PATH_SETTING}:
        raise ValueError(f"it takes {PATH_SETTING}, {', '.join(counts)}")
    path = Path(str(values.get(PATH_SETTING) or REPOSITORY_PATH))
    if not path.is_absolute():
        raise ValueError(f"{PATH_SETTING} is an absolute path")
    try:
        counts = {name: int(values.get(name, count)) for name, count in counts.items()}
    except (TypeError, ValueError):
        raise ValueError(f"{', '.join(counts)} are whole numbers") from None
    if any(count < 0 for count in counts.values()):
        raise ValueError(f"{', '.join(counts)} are not less than 0")
    return SetSettings(Repository(path), RetentionPolicy(**counts))


def _plan(context: TaskContext, settings: SetSettings) -> Iterator[Planned]:
    for site in settings.repository.sites():
        yield from _site_task(context, settings, site)


def _site_task(context: TaskContext, settings: SetSettings, site: str) -> Iterator[Planned]:
    try:
        plan = _site_plan(context, settings, site)
    except LifeboatError as error:
        yield Refusal(ID, site, error.error_code, error.message)
        return
    if not plan.is_empty:
        yield Task(
            rule=ID,
            subject=f"{site}: sets in {plan.folder}",
            count=len(plan.going) + len(plan.unfinished),
            bytes=plan.as_dict()["freed_bytes"],
            age_seconds=0,
            reason="no rule of retention keeps them, and newer ones that stay were verified",
            parameters={
                "site": site,
                PATH_SETTING: str(settings.repository.path),
                "policy": asdict(settings.policy),
                "sets": [fate.candidate.name for fate in plan.going],
            },
            folder=str(plan.folder),
        )


def _site_plan(context: TaskContext, settings: SetSettings, site: str) -> SitePlan:
    def drilled(sets: list[BackupSet]) -> list[BackupSet]:
        return with_drills(sets, context.state_path, site)

    folder = settings.repository.site_folder(site)
    return plan_site(
        site, folder, settings.policy, _moment(context), drilled, partial(is_read, context.state_path, site)
    )


def _moment(context: TaskContext) -> datetime:
    return datetime.fromtimestamp(context.now, timezone.utc)


def _apply(context: TaskContext, task: Task, _deadline: float) -> TaskOutcome:
    wanted = task.parameters
    site, names = str(wanted["site"]), {str(name) for name in wanted["sets"]}
    settings = _settings({**wanted["policy"], PATH_SETTING: wanted[PATH_SETTING]})
    if site not in settings.repository.sites():
        raise ValueError("no such site")
    planned = _site_plan(context, settings, site)
    # Of those that may go now, those that were reviewed.
    fates = tuple(fate if fate.candidate.name in names else replace(fate, kept=True) for fate in planned.fates)
    plan = replace(planned, fates=fates)
    if plan.is_empty:
        return TaskOutcome(DONE)
    reasons = apply_plan(plan, _moment(context), partial(is_read, context.state_path, site))
    gone = [fate.candidate.size_bytes for fate in plan.going if not (plan.folder / fate.candidate.name).exists()]
    error = LifeboatError(" ".join(reasons), "plan_refused") if reasons else None
    return TaskOutcome(REFUSED if reasons else DONE, len(gone) + len(plan.unfinished), sum(gone), error)


BACKUP_SETS = TaskRule(
    id=ID,
    noun="set",
    title="backup sets that the collection's retention no longer keeps",
    never_touches="the newest set of each kind, a held one, one that is read, and any before newer ones that stay were "
    "verified; sets of bench backup",
    settings=_settings,
    plan=_plan,
    apply=_apply,
)
