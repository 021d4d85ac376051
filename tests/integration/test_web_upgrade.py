"""A new master of gunicorn takes the sockets of an old one over that nothing manages, while it is asked without end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.services import find_services
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.upgrade import upgrade
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.web_masters import (
    WebMaster,
    find_web_masters,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.lab import Prober
from tests.lab.processes import end_marked_processes, free_port, listens, start_child, stop_child, wait_until

MARK = "LIFEBOAT_WEB"
CODE = """\
def application(environ, start_response):
    known = {paths}
    start_response("200 OK" if environ["PATH_INFO"] in known else "404 Not Found", [("Content-Length", "0")])
    return [b""]
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path / "bench")
    bench.sites_path.mkdir(parents=True)
    return bench


@pytest.fixture
def port(bench: Bench) -> Iterator[int]:
    """The port of a gunicorn that nothing manages."""
    port = free_port()
    write_code(bench, "('/login',)")
    program = [str(Path(sys.prefix, "bin", "gunicorn")), "-b", f"127.0.0.1:{port}", "-w", "2", "--preload", "small_app"]
    environment = {MARK: str(bench.path.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    child = start_child(program, bench.path / "log", environment=environment, folder=bench.sites_path)
    wait_until(lambda: listens(port) and all(len(each.worker_pids) == 2 for each in masters(bench)), "gunicorn")
    yield port
    stop_child(child)
    end_marked_processes(MARK, bench.path.parent)


def write_code(bench: Bench, paths: str) -> None:
    (bench.sites_path / "small_app.py").write_text(CODE.format(paths=paths))


def masters(bench: Bench) -> list[WebMaster]:
    host = Host("host", Surroundings(), [bench])
    return find_web_masters(bench, find_services(bench), host)


def test_new_master_serves_new_code_and_no_request_fails(bench: Bench, port: int) -> None:
    (old,) = masters(bench)
    assert old.service is None
    write_code(bench, "('/login', '/new')")
    with Prober(port, "a", interval_seconds=0.01) as prober, Prober(port, "a", "/new") as after:
        wait_until(lambda: bool(prober.answers and after.answers), "the first answers")
        upgrade(old, 60)
        assert after.answers[0].status == 404
        wait_until(lambda: after.answers[-1].good, "the new code")
    assert prober.failures() == []
    (new,) = masters(bench)
    assert new.pid != old.pid


def test_old_master_goes_on_where_the_new_one_does_not_start(bench: Bench, port: int) -> None:
    (old,) = masters(bench)
    (bench.sites_path / "small_app.py").write_text("raise RuntimeError")
    with Prober(port, "a") as prober:
        wait_until(lambda: bool(prober.answers), "the first answer")
        with pytest.raises(LifeboatError, match="started no workers within 1 seconds") as caught:
            upgrade(old, 1)
    assert caught.value.error_code == "restart_failed"
    assert prober.failures() == []
    wait_until(lambda: [each.pid for each in masters(bench)] == [old.pid], "the end of the new one")
