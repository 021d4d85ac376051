from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.digest.slow_log import SlowStatement
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.digest.statistics import (
    STATEMENT_QUERY,
    classes_from_statistics,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.digest.summary import (
    Baseline,
    compare,
    percentile,
    ranked,
    summarise,
)


def statement(text="SELECT 1", seconds=1.0, at=100.0, schema="_a", examined=0, sent=0, full_scan=False):
    return SlowStatement(at, schema, seconds, 0.0, sent, examined, full_scan, text)


def test_statements_are_grouped_and_ranked():
    classes = summarise(
        [
            statement("SELECT a FROM t WHERE b = 1", 1.0, 100.0, examined=1000, sent=1, full_scan=True),
            statement("SELECT a FROM t WHERE b = 'x'", 3.0, 50.0, examined=3000, sent=1),
            statement("SELECT a FROM t WHERE b = 1", 0.5, schema="_b"),
            statement("UPDATE t SET a = 5", 0.5),
        ]
    )
    first = classes[0]
    assert [kind.calls for kind in classes] == [2, 1, 1]
    assert first.fingerprint == "select a from t where b = ?"
    assert (first.total_seconds, first.average_seconds, first.p95_seconds, first.max_seconds) == (4.0, 2.0, 3.0, 3.0)
    assert (first.rows_examined, first.rows_sent, first.examined_per_sent) == (4000, 2, 2000.0)
    assert (first.first_seen_seconds, first.last_seen_seconds, first.full_scans) == (50.0, 100.0, 1)
    assert first.variance_to_mean == 0.5
    assert first.slowest == "SELECT a FROM t WHERE b = 'x'"
    assert first.share_percent == 80.0
    assert len({kind.id for kind in classes}) == 3
    assert summarise([statement(full_scan=None)])[0].full_scans is None


def test_no_value_is_in_what_is_returned():
    (kind,) = summarise([statement("SELECT a FROM t WHERE b = 'secret 4711'")])
    assert "secret" not in str(kind.as_dict(1))
    assert "4711" not in str(kind.as_dict(1))
    assert kind.as_dict(1)["rows_examined_per_sent"] == 0.0


def test_what_is_new_and_what_is_worse():
    classes = summarise([statement("SELECT a", 3.0, 200.0), statement("SELECT b", 2.9), statement("SELECT c", 1.0)])
    ids = {kind.fingerprint: kind.id for kind in classes}
    earlier = {ids["select a"]: Baseline(1.0, 10.0), ids["select b"]: Baseline(1.0, 300.0)}
    found = {kind.fingerprint: kind for kind in compare(classes, earlier)}
    assert [(found[text].is_new, found[text].is_worse) for text in ("select a", "select b", "select c")] == [
        (False, True),
        (False, False),
        (True, False),
    ]
    assert found["select a"].first_seen_seconds == 10.0
    assert found["select b"].first_seen_seconds == 100.0
    # A baseline of nothing makes nothing worse.
    assert not compare(classes, {ids["select a"]: Baseline(0.0, 1.0)})[0].is_worse


def test_percentile_is_the_nearest_rank():
    assert percentile([1.0]) == 1.0
    assert percentile([float(number) for number in range(1, 101)]) == 95.0
    assert percentile([1.0, 2.0]) == 2.0


def test_no_time_at_all_has_no_shares():
    (kind,) = summarise([statement(seconds=0.0)])
    assert (kind.share_percent, kind.variance_to_mean) == (0.0, 0.0)
    assert ranked([]) == []


def test_sums_of_the_server():
    seen = datetime(2026, 11, 21, 12, 0)  # noqa: DTZ001 (as the driver returns it)
    row = ("_a", "SELECT `a` FROM `t` WHERE `b` = ?", 4, 8 * 10**12, 3 * 10**12, Decimal(400), 4, seen, seen, 4, None)
    (kind,) = classes_from_statistics([row])
    assert (kind.total_seconds, kind.max_seconds, kind.calls) == (8.0, 3.0, 4)
    assert (kind.p95_seconds, kind.typical_seconds, kind.variance_to_mean) == (None, 2.0, None)
    assert (kind.slowest, kind.full_scans, kind.examined_per_sent) == ("", 4, 100.0)
    assert kind.last_seen_seconds == seen.timestamp()
    values = kind.as_dict(3)
    assert (values["p95_seconds"], values["variance_to_mean"], values["rank"]) == (None, None, 3)
    assert "LIMIT" in STATEMENT_QUERY
