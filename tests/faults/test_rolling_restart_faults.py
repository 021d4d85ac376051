"""A rolling restart that goes wrong or is killed: the site is served throughout, and the next run completes it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.services import web_worker_pids
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance import rolling_run
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.rolling_plan import (
    NEEDED,
    WARM,
    WORKERS,
    RestartStep,
    RestartWish,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.rolling_run import (
    RollingRequest,
    run_rolling_restart,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._queue.jobs import Queue
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import (
    CommandResult,
    CommandRunner,
    run_command,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.lab import Lab, Prober, Writer
from tests.lab.nginx import NginxServer
from tests.lab.processes import wait_until
from tests.promotion_stage import exit_code_of
from tests.web_processes import WEB_PROCESSES, web_masters

SITE = "alpha.localhost"
# What users ask for, which the probe of the restart does not.
OTHER_PATH = "/api/method/ping"


@pytest.fixture(scope="module")
def nginx(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NginxServer]:
    with NginxServer(tmp_path_factory.mktemp("web") / "nginx", lab.web_port) as server:
        yield server


def request(lab: Lab, run: CommandRunner = run_command, clock: Callable[[], float] = time.monotonic) -> RollingRequest:
    return RollingRequest(
        bench=Bench(lab.bench_path),
        state_path=lab.state_path,
        wish=RestartWish(services=("web",)),
        timeout_seconds=60,
        drain_seconds=5,
        run=run,
        clock=clock,
    )


def stopping(arguments: Sequence[str]) -> CommandResult:
    """A manager that ends a service and does not start it again."""
    return run_command(["stop" if argument == "restart" else argument for argument in arguments])


def without_nginx(arguments: Sequence[str]) -> CommandResult:
    """A host on which nginx refuses its configuration."""
    return CommandResult(tuple(arguments), 1, "", "") if "-T" in arguments else run_command(arguments)


class HastyClock:
    """A clock that runs away once the manager was told to restart: nobody waits for what will not come."""

    def __init__(self) -> None:
        self.is_hasty = False

    def __call__(self) -> float:
        return time.monotonic() + (1000 * time.monotonic() if self.is_hasty else 0)

    def run(self, arguments: Sequence[str]) -> CommandResult:
        """Run a program."""
        self.is_hasty = self.is_hasty or "restart" in arguments
        return stopping(arguments)


def killing(arguments: Sequence[str]) -> CommandResult:
    """The same, and then this process is killed."""
    result = stopping(arguments)
    if "restart" in arguments:
        os.kill(os.getpid(), signal.SIGKILL)
    return result


@pytest.mark.promise(11)
@pytest.mark.promise(14)
def test_site_is_served_while_its_web_server_does_not_come_back_and_the_restart_is_killed(
    lab: Lab, nginx: NginxServer
) -> None:
    text = nginx.bench_configuration.read_text()
    clock = HastyClock()
    with Prober(nginx.port, SITE, OTHER_PATH) as prober:
        wait_until(lambda: bool(prober.answers), "the first answer")
        with pytest.raises(LifeboatError, match="does not serve as it did before") as caught:
            run_rolling_restart(request(lab, clock.run, clock), check_mode=False)
        assert caught.value.error_code == "restart_failed"
        assert nginx.bench_configuration.read_text() != text
        # While nginx says nothing of its files, the second web server must not be stopped.
        with pytest.raises(LifeboatError, match="still names port"):
            run_rolling_restart(request(lab, without_nginx), check_mode=False)
        # This one starts the web server again, sends the requests back to it, restarts it, and is killed at its worst.
        assert exit_code_of(lambda: run_rolling_restart(request(lab, killing), check_mode=False)) == -signal.SIGKILL
        assert "STOPPED" in lab.supervisorctl("status", "frappe-bench-web:frappe-bench-frappe-web")
        assert nginx.bench_configuration.read_text() != text
        done = run_rolling_restart(request(lab), check_mode=False)
    assert prober.failures() == []
    assert done["lines"][0].startswith("An earlier restart of frappe-bench-web:frappe-bench-frappe-web was brought to")
    assert nginx.bench_configuration.read_text() == text
    assert list(lab.state_path.rglob("stand-in.json")) == []
    wait_until(lambda: len(web_worker_pids(web_masters(lab))) == WEB_PROCESSES, "the web processes, and no others")


def put_code(lab: Lab, text: str) -> None:
    """Change the application as an update does: its answer to a new address."""
    path = lab.bench_path / "apps" / "frappe" / "frappe" / "app.py"
    source = path.read_text().partition("# new code\n")[0]
    path.write_text(f"{source}# new code\n{text}\n")
    # Later than the start of whatever runs, whose time the kernel tells to the second only.
    later = time.time() + 5
    os.utime(path, (later, later))


def test_large_workers_are_replaced_without_a_new_master(lab: Lab, nginx: NginxServer) -> None:
    old = web_masters(lab)
    old_workers = set(web_worker_pids(old))
    with Writer(lab, SITE, port=nginx.port) as writer:
        wait_until(lambda: bool(writer.acknowledged), "the first answer")
        wish = RestartWish(("web",), when=NEEDED, most_web_worker_bytes=1)
        done = run_rolling_restart(replace(request(lab), wish=wish), check_mode=False)
    assert [step["way"] for step in done["steps"]] == ["reload"], done
    assert writer.refused_at == []
    assert web_masters(lab) == old
    assert not old_workers & set(web_worker_pids(old))


@pytest.mark.promise(14)
@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("raise RuntimeError('bad')", "it ended"),
        (
            "def application(environ, start_response):\n"
            "    start_response('500 Oh', [('Content-Length', '0')])\n    return [b'']\n",
            f"{SITE} answers 500",
        ),
    ],
    ids=["not imported", "not served"],
)
def test_bad_code_leaves_everything_as_it_was(lab: Lab, nginx: NginxServer, code: str, problem: str) -> None:
    old = web_masters(lab)
    put_code(lab, code)
    with Prober(nginx.port, SITE) as prober:
        wait_until(lambda: bool(prober.answers), "the first answer")
        with pytest.raises(LifeboatError) as refused:
            run_rolling_restart(request(lab), check_mode=False)
    put_code(lab, "")
    assert refused.value.error_code == "restart_refused"
    assert problem in refused.value.message
    assert prober.failures() == []
    assert web_masters(lab) == old


def test_worker_that_ended_after_the_plan_was_made_is_not_missed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that an earlier restart told to end after its job; its manager has started another since."""
    workers = Queue(lab.redis_queue_url, lab.bench_id).live_workers()
    step = RestartStep(
        WORKERS, "frappe-bench-workers:frappe-bench-frappe-long-worker-0", 2**31, WARM, "it was asked for"
    )
    monkeypatch.setattr(rolling_run, "_planned", lambda _look, _request: [step])
    done = run_rolling_restart(request(lab), check_mode=False)
    assert done["busy"] == []
    assert {each.name for each in Queue(lab.redis_queue_url, lab.bench_id).live_workers()} == {
        each.name for each in workers
    }


def test_manager_is_asked_for_its_services_as_patiently_as_for_a_restart(lab: Lab) -> None:
    asked: list[str] = []

    def recording(arguments: Sequence[str]) -> CommandResult:
        asked.append(arguments[-1])
        return run_command(arguments)

    run_rolling_restart(replace(request(lab, recording), wish=RestartWish(when=NEEDED)), check_mode=True)
    assert "status" in asked, "one that answers late would be taken for none"
