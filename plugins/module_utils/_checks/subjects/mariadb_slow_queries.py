"""Checks of what is slow: new and slower statements, indexes that they lack, joins that read whole tables."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator

from ..._mariadb.connection import server_errors
from ..._mariadb.digest.fingerprint import is_plain_select, shown
from ..._mariadb.digest.summary import Baseline, StatementClass
from ..._mariadb.plans import explain, plan_connection
from ..._system.errors import LifeboatError
from ..._system.quantities import DAY_SECONDS
from ..index_advice import IndexAdvice, missing_indexes
from ..registry import Measurement, Remediation, check
from ..slow_statements import compared_with, next_baseline
from ..targets.database_server import DatabaseServer

TOP = 5
LEAST_SHARE_PERCENT = 5.0
MOST_ADVICE = 3
# What a shorter window saw counts as if it were all of an hour: a rate per day of one second's joins is noise.
LEAST_WINDOW_SECONDS = 3600.0
SHOWN_CHARACTERS = 160


@check(
    "D21",
    "statements.regressed",
    title="Statements that are new among the slowest, or slower than before",
    subject="mariadb",
    target=DatabaseServer,
    measures="How many of the five fingerprints that take most time are new or three times as slow as at earlier runs",
    source="The slow query log, or performance_schema, since the last run",
    unit="count",
    warning="0",
    impact="medium",
    remediation=Remediation(
        "Look at them with lifeboat.frappe.slow_query_info, which explains their plans; what became slow with an "
        "update of an app belongs to that app."
    ),
    reference="pt-query-digest --review and --history",
)
def statements_regressed(server: DatabaseServer) -> Iterator[Measurement]:
    """Compare the slowest statements since the last run with what was known of them."""
    history = server.surroundings.history
    left = history.fact("D21", server.name)
    slow = server.slow_statements
    known = {name: Baseline(*values) for name, values in json.loads(left).items()} if left else None
    points = history.points("D21", server.name)
    # The log tells the time of a statement in whole seconds.
    since_seconds = math.floor(points[-1].at_seconds) if points else 0.0
    classes = compared_with(slow.digest(since_seconds), known)
    baseline = next_baseline(classes, known or {})
    fact = json.dumps({name: [one.typical_seconds, one.first_seen_seconds] for name, one in baseline.items()})
    regressed = [kind for kind in classes[:TOP] if kind.is_new or kind.is_worse]
    if known is None:
        text = f"{len(classes)} kinds of slow statements; the next run compares with them"
    elif regressed:
        text = f"{len(regressed)} of the {len(classes[:TOP])} slowest kinds of statements are new or much slower"
    else:
        text = f"none of the {len(classes)} kinds of slow statements is new or slower"
    yield Measurement(len(regressed), text=text, evidence=tuple(map(_line, regressed)), fact=fact)


@check(
    "D28",
    "indexes.missing",
    title="Indexes that slow statements lack",
    subject="mariadb",
    target=DatabaseServer,
    measures="Columns whose index would save a statement with 5 % of the slow time from reading a whole table",
    source="The slow query log or performance_schema, and EXPLAIN FORMAT=JSON of the five worst SELECTs",
    unit="count",
    warning="0",
    impact="info",
    remediation=Remediation(
        "Add the index with the command in the evidence, at a quiet time; Frappe then keeps it as a Property Setter. "
        "Look at the statement again after."
    ),
    reference="Frappe's database optimizer (0.3 selectivity) and recorder (5 % of the time)",
)
def indexes_missing(server: DatabaseServer) -> Iterator[Measurement]:
    """Ask for the plans of the worst SELECTs, and which index each would need."""
    classes = server.slow_statements.digest()
    worst = [
        kind
        for kind in classes[:TOP]
        if kind.share_percent >= LEAST_SHARE_PERCENT and is_plain_select(kind.slowest) and kind.schema in server.schemas
    ]
    advice: dict[str, dict[tuple[str, str], IndexAdvice]] = defaultdict(dict)
    for kind in worst:
        for one in _advice(server, kind):
            advice[kind.schema].setdefault((one.table, one.column), one)
    for schema in sorted({kind.schema for kind in worst}):
        found = list(advice[schema].values())[:MOST_ADVICE]
        label = server.label(schema)
        yield Measurement(
            len(found),
            label,
            f"{len(found)} indexes of {label} would help its slow statements"
            if found
            else f"no index is missing for the slow statements of {label}",
            tuple(line for one in found for line in (one.text, one.command(label))),
        )
    if not worst:
        yield Measurement(0, text="no SELECT took a large share of the slow time")


def _advice(server: DatabaseServer, kind: StatementClass) -> list[IndexAdvice]:
    explain_seconds = server.surroundings.patience.answer_seconds / TOP
    with plan_connection(server.reader.login, kind.schema, explain_seconds) as connection:
        try:
            with server_errors("ask for a plan"):
                plan = explain(connection, kind.slowest)
        except (ValueError, LifeboatError):
            return []
    return missing_indexes(server.query, kind, plan)


def _line(kind: StatementClass) -> str:
    what = "new" if kind.is_new else "slower"
    return (
        f"{what}: {kind.id}, {kind.calls} calls, typically {kind.typical_seconds:.3f} s: "
        f"{shown(kind.fingerprint)[:SHOWN_CHARACTERS]}"
    )


@check(
    "D22",
    "joins.full",
    title="Joins that read whole tables",
    subject="mariadb",
    target=DatabaseServer,
    measures="Joins without an index in a day, from those since the last run, as if that was an hour ago at least",
    source="SHOW GLOBAL STATUS: Select_full_join, Select_range_check",
    unit="count",
    warning="250",
    critical="5000",
    impact="low",
    remediation=Remediation(
        "Find them with lifeboat.frappe.slow_query_info: the plan of such a join has a join buffer."
    ),
    reference="MySQLTuner (250 a day), applied to a difference instead of an average since the start",
    is_sampled=True,
)
def joins_full(server: DatabaseServer) -> Iterator[Measurement]:
    """Count joins that found no index."""
    rates = server.rates
    joins = rates.increase("Select_full_join") + rates.increase("Select_range_check")
    a_day = joins * DAY_SECONDS / max(rates.seconds, LEAST_WINDOW_SECONDS)
    yield Measurement(round(a_day), text=f"{joins:.0f} joins without an index in {rates.seconds:.0f} s")
