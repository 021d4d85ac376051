"""Files of sites that no File document knows: told, and moved to quarantine only where that is asked for.

What shows a file by its URL alone (a text, a web page, a letter head, an app) has no document: nobody but its owner
can say that it is not needed.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..._bench.layout import Site
from ..._mariadb.connection import fetch_all, server_errors
from ..._system.quantities import DAY_SECONDS, bytes_text, count_text
from ..choice import Protection
from ..find import NANOSECONDS, FoundFile, read_file
from ..items import FileIdentity, Item
from ..kept_plans import keep_plan
from ..open_files import open_files
from ..orphans import Comparison, Document, LocalFile, compare, keys_of, known_keys, local_files, may_go, md5_of, url_of
from ..plan import CleanupPlan, RuleResult
from ..quarantine import Quarantine, run_id
from ..removal import QUARANTINED, take_away
from ..settings import older_than_days
from ..site_database import plan_sites, site_connection, site_of
from ..tasks import GONE, Note, Planned, Refusal, Task, TaskContext, TaskOutcome, TaskRule

if TYPE_CHECKING:
    from pymysql.connections import Connection

ID = "orphaned_files"
# A file is uploaded before its document is written.
DEFAULT_DAYS, LEAST_DAYS = 1.0, 1.0
MOST_FILES = 10_000
NAMES_SHOWN = 5
# Where more of a site's files have no document, the database is more likely another one than the files are orphans.
MOST_SHARE = 0.5
RUN_STEP_SECONDS = 0.001
DOCUMENTS = (
    "SELECT file_url, thumbnail_url, file_size, content_hash FROM tabFile WHERE COALESCE(is_folder, 0) = 0"
    " AND (file_url LIKE '/files/_%' OR file_url LIKE '/private/files/_%')"
)


@dataclass(frozen=True)
class OrphanSettings:
    """From which age on a file without a document counts, and whether such files go to quarantine."""

    older_than_days: float
    quarantine: bool


def _settings(values: Mapping[str, Any]) -> OrphanSettings:
    rest = dict(values)
    quarantine = rest.pop("quarantine", False)
    if not isinstance(quarantine, bool):
        raise ValueError("quarantine is true or false")
    return OrphanSettings(older_than_days(rest, DEFAULT_DAYS, LEAST_DAYS), quarantine)


def _plan(context: TaskContext, settings: OrphanSettings) -> Iterator[Planned]:
    for number, planned in enumerate(plan_sites(ID, context, partial(_site, context, settings)), start=1):
        # Each site's files are put back by a run of their own.
        if isinstance(planned, Task):
            run = run_id(context.now + number * RUN_STEP_SECONDS)
            yield Task(
                **{
                    **vars(planned),
                    "reason": f"{planned.reason}; they wait in quarantine, and come back with undo={run}",
                    "parameters": {**planned.parameters, "run": run},
                }
            )
        else:
            yield planned


def _site(context: TaskContext, settings: OrphanSettings, site: Site, connection: Connection[Any]) -> Iterator[Planned]:
    found = compare(_documents(connection), local_files(site))
    protection = Protection(context.protected, open_files())
    orphans = [file for file in found.orphans if _is_old(context, settings.older_than_days, file.found)]
    found = Comparison(found.files, tuple(orphans), found.missing, found.elsewhere)
    if found.orphans or found.missing:
        yield Note(ID, site.name, len(found.orphans), found.size_bytes, _text(found))
    going = [
        file
        for file in may_go(found, lambda file: md5_of(site.path / file.path))
        if not protection.why(str(site.path / file.path), file.found.device, file.found.inode)
    ]
    if not settings.quarantine or not going:
        return
    if len(going) > MOST_SHARE * found.files:
        yield Refusal(
            ID,
            site.name,
            "orphans_implausible",
            f"Refused to move files of {site.name} to quarantine: {len(going)} of {found.files} have no document, "
            "which is more than can be. Nothing was moved. See whether its site_config.json names the right database.",
        )
        return
    chosen = going[:MOST_FILES]
    yield Task(
        rule=ID,
        subject=f"{site.name}: files without a document",
        count=len(chosen),
        bytes=sum(file.found.freed_bytes for file in chosen),
        age_seconds=int(settings.older_than_days * DAY_SECONDS),
        reason="no File document knows them"
        + f"; {len(going) - MOST_FILES:,} more wait for the next run" * (len(going) > MOST_FILES),
        parameters={
            "bench": str(site.bench.path),
            "site": site.name,
            "older_than_days": settings.older_than_days,
            "files": [_planned_file(file) for file in chosen],
        },
    )


def _documents(connection: Connection[Any]) -> list[Document]:
    return [
        Document(str(url), str(thumbnail_url or ""), int(size or 0), str(content_hash or ""))
        for url, thumbnail_url, size, content_hash in fetch_all(connection, DOCUMENTS)
    ]


def _is_old(context: TaskContext, days: float, file: FoundFile | None) -> bool:
    """Tell whether a file was not changed, and not put there, for so long."""
    if file is None:
        return False
    newest: float = max(file.modified_ns, file.status_changed_ns) / NANOSECONDS
    return newest < context.now - days * DAY_SECONDS


def _text(found: Comparison) -> str:
    names = ", ".join(file.path for file in found.orphans[:NAMES_SHOWN])
    text = (
        f"{count_text(len(found.orphans), 'file')} ({bytes_text(found.size_bytes)}) of {found.files} without a document"
    )
    text += f" ({names}{', ...' * (len(found.orphans) > NAMES_SHOWN)})" * bool(names)
    text += f"; {count_text(len(found.missing), 'document')} without a file"
    urls = ", ".join(document.url for document in found.missing[:NAMES_SHOWN])
    text += f" ({urls}{', ...' * (len(found.missing) > NAMES_SHOWN)})" * bool(urls)
    text += f", {found.elsewhere} of which have the content of another one" * bool(found.elsewhere)
    return text + ". Texts, web pages and apps may show a file that has no document: look before one goes"


def _planned_file(file: LocalFile) -> dict[str, Any]:
    found = file.found
    identity = FileIdentity(found.device, found.inode, found.size_bytes, found.modified_ns)
    return {"path": file.path, "bytes": found.freed_bytes, "identity": vars(identity)}


def _apply(context: TaskContext, task: Task, deadline: float) -> TaskOutcome:
    wanted = task.parameters
    site, quarantine = site_of(context.benches, wanted), Quarantine(str(wanted["run"]))
    age_days = max(float(wanted["older_than_days"]), LEAST_DAYS)
    items = [_item(site, age_days, values) for values in wanted["files"]]
    paths = [str(values["path"]) for values in wanted["files"]]
    urls = [url_of(path) for path in paths]
    with site_connection(site) as connection, server_errors(f"read the documents of files of {site.name}"):
        known = known_keys(_documents(connection))
    protection = Protection(context.protected, open_files())
    going = [
        (index, item)
        for index, (item, path, url) in enumerate(zip(items, paths, urls))
        if not keys_of(url) & known
        and _is_old(context, age_days, read_file(site.path, path))
        and not protection.why(item.path, item.identity.device, item.identity.inode)
    ]
    if not going:
        return TaskOutcome(GONE)
    # Always the whole list: whoever applies a plan again finds what is in quarantine under the same numbers.
    keep_plan(
        context.state_path,
        CleanupPlan(quarantine.run, socket.gethostname(), tuple(items), (RuleResult(ID, 0),)),
    )
    count = size_bytes = 0
    for index, item in going:
        why_over = context.why_over(deadline)
        if why_over:
            return TaskOutcome(why_over, count, size_bytes, run=quarantine.run)
        if take_away(item, index, quarantine) == QUARANTINED:
            count, size_bytes = count + 1, size_bytes + item.bytes
    return TaskOutcome(QUARANTINED, count, size_bytes, run=quarantine.run) if count else TaskOutcome(GONE)


def _item(site: Site, age_days: float, values: Mapping[str, Any]) -> Item:
    path, identity = str(values["path"]), FileIdentity(**values["identity"])
    reason = "no File document knows it"
    return Item(
        rule=ID,
        root=str(site.path),
        path=str(site.path / path),
        bytes=int(values["bytes"]),
        age_seconds=int(age_days * DAY_SECONDS),
        reason=reason,
        identity=identity,
    )


ORPHANED_FILES = TaskRule(
    id=ID,
    noun="file",
    title="files of sites that no File document knows",
    never_touches="a file that a document names, as it is or as a thumbnail, or whose content a document misses; a new "
    "one; one that is open; with quarantine off, any file at all",
    settings=_settings,
    plan=_plan,
    apply=_apply,
)
