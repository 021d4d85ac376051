"""Old rows of the tables in which Frappe keeps logs."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._bench.layout import Site
from ..._checks.subjects.site_log_tables import RETENTION_DAYS
from ..._mariadb.connection import DRIVER_ERRORS, fetch_all, server_errors
from ..._mariadb.identifiers import quote_identifier
from ..._system.files import make_private_folder, write_json_atomically
from ..._system.quantities import DAY_SECONDS, count_text
from ..pace import Load
from ..quarantine import run_id
from ..row_archive import RowArchive
from ..row_pruning import OldRows, prepare_session, prune_rows
from ..site_database import old_before, plan_sites, replica_connection, site_connection, site_of
from ..tasks import Note, Planned, Task, TaskContext, TaskOutcome, TaskRule

if TYPE_CHECKING:
    from pymysql.connections import Connection

ID = "log_tables"
# Frappe deletes these with more than their rows: files, and what the user wanted to be reminded of.
NOT_BY_ROWS = ("Prepared Report", "Reminder")
# Frappe never clears these, and to some owners they are the proof of who did what: off unless days are given.
NEVER_CLEARED = ("Access Log", "Deleted Document", "Version")
CHILDREN = {"Email Queue": ("Email Queue Recipient",)}
# Where a DocType says which others are its children, and in which column its own name stands there.
FIELDS = {"DocField": "parent", "Custom Field": "dt"}
CHILD_FIELDS = ("Table", "Table MultiSelect")
# A mail that was not sent is work, however old.
CONDITIONS = {"Email Queue": "status NOT IN ('Not Sent', 'Sending', 'Partially Sent')"}
KNOWN = tuple(sorted({*RETENTION_DAYS, *NEVER_CLEARED} - {*NOT_BY_ROWS}))
LEAST_DAYS = 1
COUNT_SECONDS = 10
STATEMENT_TOO_LONG = 1969
INNODB = "InnoDB"
LOG_SETTINGS = "Logs To Clear"
FIRST_MOMENT = "1900"
POSITIONS_NAME = "log_table_positions.json"


@dataclass(frozen=True)
class LogSettings:
    """What was asked for.

    Attributes:
        days: For how many days a DocType keeps its rows, where neither Log Settings nor Frappe's defaults are wanted;
            0 for ever.
        archive_path: The folder that gets the rows before they go; "" for none.
        replicas: Replicas that must follow, each as ``host`` or ``host:port``.
    """

    days: Mapping[str, int]
    archive_path: str
    replicas: tuple[str, ...]


def _settings(values: Mapping[str, Any]) -> LogSettings:
    unknown = set(values) - {"days", "archive_path", "replicas"}
    if unknown:
        raise ValueError("it takes days, archive_path and replicas")
    days = values.get("days") or {}
    replicas = values.get("replicas") or []
    archive_path = str(values.get("archive_path") or "")
    if not isinstance(days, Mapping) or not isinstance(replicas, Sequence) or isinstance(replicas, str):
        raise ValueError("days is an object of numbers by DocType, and replicas a list of hosts")
    if set(days) - set(KNOWN):
        raise ValueError(f"days knows {', '.join(KNOWN)}")
    if archive_path and not Path(archive_path).is_absolute():
        raise ValueError("archive_path is an absolute path")
    try:
        wanted = {str(doctype): int(count) for doctype, count in days.items()}
    except (TypeError, ValueError):
        raise ValueError("days are whole numbers") from None
    if any(count < 0 for count in wanted.values()):
        raise ValueError("days are not less than 0")
    return LogSettings(wanted, archive_path, tuple(map(str, replicas)))


def kept_days(asked: Mapping[str, int], log_settings: Mapping[str, int]) -> dict[str, int]:
    """Return the days that each DocType keeps its rows: as asked, else as Log Settings say, else as Frappe does. Pure.

    Args:
        asked: The days of the options.
        log_settings: Those of the site's Log Settings; what Frappe itself never clears is none of their business.
    """
    defaults = {doctype: days for doctype, days in RETENTION_DAYS.items() if doctype in KNOWN}
    cleared = {doctype: days for doctype, days in log_settings.items() if doctype in defaults}
    return {doctype: max(days, LEAST_DAYS) for doctype, days in {**defaults, **cleared, **asked}.items() if days}


def _plan(context: TaskContext, settings: LogSettings) -> Iterator[Planned]:
    return plan_sites(ID, context, partial(_site_plan, context, settings))


def _site_plan(
    context: TaskContext, settings: LogSettings, site: Site, connection: Connection[Any]
) -> Iterator[Planned]:
    tasks = list(_site_tasks(context, settings, site, connection))
    yield from tasks
    ((_name, replicas),) = fetch_all(connection, "SHOW GLOBAL STATUS LIKE 'Slaves_connected'")
    if tasks and int(replicas) > len(settings.replicas):
        text = (
            f"its server has {count_text(int(replicas), 'replica')}, of which the setting replicas names "
            f"{len(settings.replicas)}: rows may go faster than the others follow"
        )
        yield Note(ID, site.name, int(replicas), 0, text)


def _site_tasks(context: TaskContext, settings: LogSettings, site: Site, connection: Connection[Any]) -> Iterator[Task]:
    tables = _tables(connection)
    children = _children(connection, tables)
    own: dict[str, int] = {}
    if LOG_SETTINGS in tables:
        rows = fetch_all(connection, f"SELECT ref_doctype, days FROM `tab{LOG_SETTINGS}`")  # noqa: S608
        own = {str(doctype): int(days or 0) for doctype, days in rows}
    for doctype, days in sorted(kept_days(settings.days, own).items()):
        if doctype not in tables:
            continue
        old = _old_rows(doctype, old_before(context.now, days * DAY_SECONDS), children)
        count = _count(connection, old, tables[doctype].rows)
        if count:
            yield Task(
                rule=ID,
                subject=f"{site.name}: tab{doctype}",
                count=count,
                bytes=count * tables[doctype].row_bytes,
                age_seconds=days * DAY_SECONDS,
                reason=f"rows older than {count_text(days, 'day')}"
                + f", which go to {settings.archive_path} first" * bool(settings.archive_path),
                parameters={
                    "bench": str(site.bench.path),
                    "site": site.name,
                    "doctype": doctype,
                    "before": old.before,
                    "archive_path": settings.archive_path,
                    "replicas": list(settings.replicas),
                },
            )


@dataclass(frozen=True)
class _Table:
    engine: str
    rows: int
    row_bytes: int


def _tables(
    connection: Connection[Any], doctypes: Collection[str] = (LOG_SETTINGS, *FIELDS, *KNOWN)
) -> dict[str, _Table]:
    """Return what the server says of tables, by their DocTypes; one that is not there is left out."""
    rows = fetch_all(
        connection,
        "SELECT TABLE_NAME, ENGINE, TABLE_ROWS, AVG_ROW_LENGTH FROM information_schema.TABLES"
        " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN %s",
        (tuple(f"tab{doctype}" for doctype in doctypes),),
    )
    return {
        str(name)[len("tab") :]: _Table(str(engine), int(count or 0), int(row_bytes or 0))
        for name, engine, count, row_bytes in rows
    }


def _children(connection: Connection[Any], tables: Collection[str]) -> dict[str, dict[str, _Table]]:
    """Return for each log the tables of its children: those of Frappe, and those that this site or an app has added."""
    named = {(parent, child) for parent, children in CHILDREN.items() for child in children}
    for doctype, column in FIELDS.items():
        if doctype in tables:
            statement = (
                f"SELECT {column}, options FROM {quote_identifier(f'tab{doctype}')}"  # noqa: S608
                f" WHERE {column} IN %s AND fieldtype IN %s AND options <> ''"
            )
            named |= {(str(log), str(child)) for log, child in fetch_all(connection, statement, (KNOWN, CHILD_FIELDS))}
    there = _tables(connection, {child for _log, child in named})
    found: dict[str, dict[str, _Table]] = {}
    for log, child in sorted(named):
        if child in there:
            found.setdefault(log, {})[child] = there[child]
    return found


def _old_rows(doctype: str, before: str, children: Mapping[str, Collection[str]]) -> OldRows:
    return OldRows(doctype, before, tuple(children.get(doctype, ())), CONDITIONS.get(doctype, ""))


def _count(connection: Connection[Any], old: OldRows, table_rows: int) -> int:
    """Count the old rows; where that takes too long, all rows of the table are said to be old."""
    statement = f"SELECT COUNT(*) FROM {old.table} WHERE {old.predicate}"  # noqa: S608
    try:
        limited = f"SET STATEMENT max_statement_time = {COUNT_SECONDS} FOR {statement}"
        return int(fetch_all(connection, limited, old.arguments)[0][0])
    except DRIVER_ERRORS as error:
        if error.args[0] != STATEMENT_TOO_LONG:
            raise
        return table_rows


def _apply(context: TaskContext, task: Task, deadline: float) -> TaskOutcome:
    wanted = task.parameters
    doctype, before, archive_path = str(wanted["doctype"]), str(wanted["before"]), str(wanted["archive_path"])
    site = site_of(context.benches, wanted)
    # Written in one form, so their order as texts is that of time.
    if doctype not in KNOWN or not FIRST_MOMENT < before <= old_before(context.now, LEAST_DAYS * DAY_SECONDS):
        raise ValueError("no such rows")
    archive = None
    if archive_path:
        name = f"{doctype.replace(' ', '_').lower()}-{run_id(context.now)}.jsonl.gz"
        archive = RowArchive(Path(archive_path) / site.name / name)
    with ExitStack() as stack:
        connection = stack.enter_context(site_connection(site))
        replicas = [stack.enter_context(replica_connection(site, str(address))) for address in wanted["replicas"]]
        with server_errors(f"prepare the cleanup of {task.subject}"):
            tables = _tables(connection)
            children = _children(connection, tables)
            old = _old_rows(doctype, before, children)
            engines = {tables[doctype].engine, *(table.engine for table in children.get(doctype, {}).values())}
            prepare_session(connection, engines == {INNODB}, 1 + len(old.children))
        positions = _positions(context)
        load = Load(connection, replicas, context.root)
        done = prune_rows(context, load, old, archive, deadline, positions.pop(task.subject, None))
    if done.position is not None:
        positions[task.subject] = done.position
    _keep_positions(context, positions)
    return TaskOutcome(done.outcome, done.count, done.count * task.bytes // max(task.count, 1), done.error)


def _positions(context: TaskContext) -> dict[str, Any]:
    """Return where the last run stopped in each table, for want of time: the name of a row, which says nothing."""
    try:
        return dict(json.loads((context.state_path / POSITIONS_NAME).read_text()))
    except (OSError, ValueError):
        return {}  # then a table is read from its beginning, which costs time and no row


def _keep_positions(context: TaskContext, positions: Mapping[str, Any]) -> None:
    path = context.state_path / POSITIONS_NAME
    with suppress(OSError):  # the disk that holds it may be the one that is full
        if positions:
            make_private_folder(path.parent)
            write_json_atomically(path, positions)
        else:
            path.unlink(missing_ok=True)


LOG_TABLES = TaskRule(
    id=ID,
    noun="row",
    title="old rows of the tables in which Frappe keeps logs",
    never_touches="a row that was changed since, a mail that was not sent, tables of other DocTypes; Version, Deleted "
    "Document and Access Log unless days are given for them",
    settings=_settings,
    plan=_plan,
    apply=_apply,
)
