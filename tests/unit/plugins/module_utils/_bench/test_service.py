"""What a service is for, and whether it belongs to a bench."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.processes import Process
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service import (
    names_bench,
    runs_in,
    served_queues,
    service_kind,
)

BENCH = Bench(Path("/home/frappe/frappe-bench"))


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        ("/home/frappe/frappe-bench/env/bin/gunicorn -b 127.0.0.1:8000 -w 2 frappe.app:application --preload", "web"),
        ("gunicorn: worker [frappe.app:application]", "web"),
        ("python -m frappe.utils.bench_helper frappe serve --port 8000", "web"),
        ("/usr/local/bin/bench schedule", "schedule"),
        ("/usr/local/bin/bench worker --queue short,default", "worker"),
        ("python -m frappe.utils.bench_helper frappe worker-pool", "worker"),
        ("rq:worker:8f2b: listening on default", "worker"),
        ("/usr/bin/redis-server 127.0.0.1:13000", "redis"),
        ("/usr/bin/node /home/frappe/frappe-bench/apps/frappe/socketio.js", "socketio"),
        ("/usr/local/bin/bench socketio", "socketio"),
        ("vi sites/worker/notes.txt", "other"),
        ("/usr/bin/node esbuild --watch", "other"),
    ],
)
def test_kind_by_the_command(command: str, kind: str) -> None:
    assert service_kind(command.split(" ")) == kind
    assert service_kind([command]) == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("frappe-bench-frappe-web", "web"),
        ("frappe-bench-frappe-short-worker-0", "worker"),
        ("frappe-bench-frappe-schedule", "schedule"),
        ("frappe-bench-redis-cache", "redis"),
        ("frappe-bench-node-socketio", "socketio"),
        ("frappe-bench-frappe-watch", "other"),
    ],
)
def test_kind_by_the_name_when_nothing_runs(name: str, kind: str) -> None:
    assert service_kind((), name) == kind


@pytest.mark.parametrize(
    ("command", "queues"),
    [
        ("/usr/local/bin/bench worker --queue short,default", ("short", "default")),
        ("python -m frappe.utils.bench_helper frappe worker --quiet --queue='long'", ("long",)),
        ("bench worker", ()),
        ("bench worker --queue", ()),
    ],
)
def test_queues_by_the_command(command: str, queues: tuple[str, ...]) -> None:
    assert served_queues(command.split(" ")) == queues
    assert served_queues([command]) == queues


@pytest.mark.parametrize(
    ("arguments", "place", "expected"),
    [
        (("redis-server",), "/home/frappe/frappe-bench/config/pids", True),
        (("python", "/home/frappe/frappe-bench/env/bin/gunicorn"), "/", True),
        (("sh", "-c", "cd /home/frappe/frappe-bench && bench worker"), "/", True),
        (("gunicorn",), "/home/frappe/frappe-bench-2/sites", False),
        (("gunicorn",), None, False),
    ],
)
def test_process_of_the_bench(arguments: tuple[str, ...], place: str | None, expected: bool) -> None:
    process = Process(1, 0, 0, arguments, Path(place) if place else None)
    assert runs_in(BENCH, process) is expected


def test_neighbour_with_a_longer_name_is_another_bench() -> None:
    assert not names_bench(BENCH, ["/home/frappe/frappe-bench-2/env/bin/gunicorn"])
