"""The main job shown on the lab: backups, users at work, a disaster, the recovery, and the proof."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier

from .backups import BackupFiles
from .comparison import compare_databases, file_digests, load_reference
from .disaster import Damage, strike
from .lab import Lab
from .playbook import INVENTORY, run_playbook
from .prober import Prober
from .writer import MARK as WRITER_MARK
from .writer import Writer

PLAYBOOK = "lifeboat.frappe.recover"
SCALE = 5
WRITE_INTERVAL_SECONDS = 0.1
REFERENCE_DATABASE = "reference_alpha"
SECONDS_OF_WORK = 3.0
SECONDS_BROKEN = 2.0
WIDTH = 100


@dataclass
class Watch:
    """Who uses the two sites while everything happens."""

    alpha_pages: Prober
    alpha_pings: Prober
    beta_pages: Prober
    alpha_writers: list[Writer]
    beta_writers: list[Writer]


@dataclass(frozen=True)
class Line:
    """One line of the summary: whether it is true, and what it says."""

    true: bool
    text: str


def run_demo(folder: Path) -> int:
    """Show the main job in a fresh lab; return 0 when everything that the summary claims is true."""
    started = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    with Lab(folder, scale=SCALE) as lab:
        _say(f"A bench with the sites {' and '.join(lab.sites)} runs in {folder} ({time.monotonic() - started:.0f} s)")
        with _users(lab) as watch:
            lines = _show(lab, watch)
    print(f"\n{' What is proven '.center(WIDTH, '=')}")
    for line in lines:
        print(f"  {'yes' if line.true else 'NO '}  {line.text}")
    proven = all(line.true for line in lines)
    print(f"  {'Everything above is true.' if proven else 'NOT everything above is true.'}", end=" ")
    print(f"The demo took {time.monotonic() - started:.0f} s and left no process behind.\n{'=' * WIDTH}")
    return 0 if proven else 1


def _show(lab: Lab, watch: Watch) -> list[Line]:
    alpha = lab.sites[0]
    backups = {site: lab.backup(site) for site in lab.sites}
    files = file_digests(lab.site_path(alpha))
    load_reference(lab.mariadb, backups[alpha].database, REFERENCE_DATABASE)
    _say(f"Backups of both sites, as bench backup makes them: {backups[alpha].database.name} ...")
    time.sleep(SECONDS_OF_WORK)
    replaced = lab.site_config(alpha)["db_name"]
    struck_at = time.time()
    damage = strike(lab, alpha)
    _say(f"Disaster on {alpha}: {damage.tables} tables dropped, {damage.rows} rows and {damage.files} files destroyed")
    time.sleep(SECONDS_BROKEN)
    recovery_began_at = time.time()
    exit_code = _recover(lab, alpha)
    time.sleep(SECONDS_OF_WORK)
    _stop_users(watch)
    return [
        Line(exit_code == 0, f"ansible-playbook lifeboat.frappe.recover ended with exit code {exit_code}"),
        *_data_lines(lab, alpha, backups[alpha], files, damage),
        *_write_lines(lab, watch, replaced),
        *_availability_lines(watch, struck_at, recovery_began_at),
        *_report_lines(lab),
    ]


@contextmanager
def _users(lab: Lab) -> Iterator[Watch]:
    alpha, beta = lab.sites
    with ExitStack() as stack:
        enter = stack.enter_context
        yield Watch(
            alpha_pages=enter(Prober(lab.web_port, alpha)),
            alpha_pings=enter(Prober(lab.web_port, alpha, "/api/method/ping")),
            beta_pages=enter(Prober(lab.web_port, beta)),
            alpha_writers=[enter(_writer(lab, alpha, directly)) for directly in (False, True)],
            beta_writers=[enter(_writer(lab, beta, directly)) for directly in (False, True)],
        )


def _writer(lab: Lab, site: str, directly: bool) -> Writer:
    return Writer(lab, site, directly=directly, interval_seconds=WRITE_INTERVAL_SECONDS)


def _stop_users(watch: Watch) -> None:
    for prober in (watch.alpha_pages, watch.alpha_pings, watch.beta_pages):
        prober.stop()
    for writer in (*watch.alpha_writers, *watch.beta_writers):
        writer.stop()


def _recover(lab: Lab, site: str) -> int:
    _say(f"$ ansible-playbook {PLAYBOOK} -i {INVENTORY} -e site={site}")
    return run_playbook(lab, PLAYBOOK, "-e", f"site={site}").returncode


def _data_lines(lab: Lab, site: str, backup: BackupFiles, files: dict[str, str], damage: Damage) -> list[Line]:
    live = lab.site_config(site)["db_name"]
    with contextlib.closing(connect(lab.login)) as connection:
        comparison = compare_databases(connection, REFERENCE_DATABASE, live)
    recovered_files = file_digests(lab.site_path(site))
    # What the users wrote after the recovery is there as well, and nothing else.
    foreign = {
        table: rows
        for table, rows in comparison.extra.items()
        if table != "tabToDo" or any(WRITER_MARK not in row for row in rows)
    }
    return [
        Line(
            not comparison.missing and not foreign,
            f"row for row as backed up in {backup.name}: {comparison.rows} rows of {comparison.tables} tables "
            f"({sum(map(len, comparison.missing.values()))} missing, {sum(map(len, foreign.values()))} foreign)",
        ),
        Line(
            recovered_files == files,
            f"file for file as backed up: {len(files)} files by SHA-256, {damage.files} of them had been destroyed",
        ),
    ]


def _write_lines(lab: Lab, watch: Watch, replaced: str) -> list[Line]:
    alpha, beta = lab.sites
    promoted_at = (lab.site_path(alpha) / "site_config.json").stat().st_mtime
    with contextlib.closing(connect(lab.login)) as connection:
        alpha_rows = _written(lab, alpha)
        beta_rows = _written(lab, beta)
        schemas = {row[0] for row in fetch_all(connection, "SHOW DATABASES")}
        old_rows: set[str] = set()
        if replaced in schemas:
            old_rows = {
                row[0] for row in fetch_all(connection, f"SELECT name FROM {quote_identifier(replaced)}.tabToDo")
            }
    after = {name for writer in watch.alpha_writers for name in writer.acknowledged_since(promoted_at)}
    of_beta = {write.name for writer in watch.beta_writers for write in writer.acknowledged}
    return [
        Line(
            bool(after) and after <= alpha_rows and not after & old_rows,
            f"{len(after)} writes were acknowledged by {alpha} after the promotion: all in the new database, "
            f"{len(after & old_rows)} in the old one",
        ),
        Line(
            of_beta <= beta_rows and not any(writer.refused_at for writer in watch.beta_writers),
            f"{beta} acknowledged {len(of_beta)} writes from beginning to end and refused "
            f"{sum(len(writer.refused_at) for writer in watch.beta_writers)}; all are in its database",
        ),
    ]


def _written(lab: Lab, site: str) -> set[str]:
    with contextlib.closing(lab.connect(site)) as connection:
        return {row[0] for row in fetch_all(connection, "SELECT name FROM tabToDo")}


def _availability_lines(watch: Watch, struck_at: float, recovery_began_at: float) -> list[Line]:
    beta_failures = watch.beta_pages.failures()
    beta_requests = len(watch.beta_pages.answers)
    broken = watch.alpha_pages.outages(since=struck_at)
    broken_seconds = sum(outage.seconds for outage in broken)
    served_after_seconds = max((outage.ended_at for outage in broken), default=0.0) - recovery_began_at
    downtime_seconds = watch.alpha_pings.downtime_seconds(recovery_began_at)
    return [
        Line(
            not beta_failures,
            f"{watch.beta_pages.site} answered {beta_requests - len(beta_failures)} of {beta_requests} requests",
        ),
        Line(
            bool(broken) and watch.alpha_pages.answers[-1].good,
            f"{watch.alpha_pages.site}: nobody could log in for {broken_seconds:.1f} s after the disaster; "
            f"{served_after_seconds:.1f} s after the command everybody could",
        ),
        Line(
            watch.alpha_pings.answers[-1].good,
            f"the recovery itself made the site unavailable for {downtime_seconds:.2f} s (asked every 50 ms)",
        ),
    ]


def _report_lines(lab: Lab) -> list[Line]:
    reports = {path.suffix: path for path in sorted(lab.report_path.rglob("*")) if path.is_file()}
    there = {".html", ".md", ".json"} <= reports.keys()
    return [Line(there, f"the report: {reports.get('.html', lab.report_path)} (and Markdown, JSON)")]


def _say(text: str) -> None:
    print(f"\n=== {text}", flush=True)
