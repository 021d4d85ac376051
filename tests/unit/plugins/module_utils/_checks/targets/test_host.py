"""The host as a target, on one that is made of files, and on the real one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.processes import Process
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import (
    NotApplicableError,
    UnmeasurableError,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import (
    HOST_NAME,
    Host,
    KernelMessage,
    program_name,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Settings, Surroundings

from tests.fake_host import NOW_SECONDS, UP_SECONDS, FakeHost


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "root")


def test_the_sample_has_the_kernels_counters_since_its_boot(host: FakeHost) -> None:
    sample = host.target().read_sample()
    assert (sample.at_seconds, sample.started_at_seconds) == (NOW_SECONDS, NOW_SECONDS - UP_SECONDS)
    own = sum(os.times()[:4]) * os.sysconf("SC_CLK_TCK")
    assert sample.counters.pop("cpu_own") == pytest.approx(own, abs=100)
    assert sample.counters == {
        "cpu_user": 100,
        "cpu_nice": 0,
        "cpu_system": 50,
        "cpu_idle": 800,
        "cpu_iowait": 50,
        "cpu_irq": 0,
        "cpu_softirq": 0,
        "cpu_steal": 0,
        "cpu_total": 1000,
        "oom_kill": 0,
    }


def test_an_old_kernel_does_not_count_whom_it_killed(host: FakeHost) -> None:
    host.write("/proc/vmstat", "nr_free_pages 5\n")
    assert "oom_kill" not in host.target().read_sample().counters


def test_the_sample_of_this_host_can_be_read() -> None:
    host = Host(HOST_NAME, Surroundings())
    assert host.read_sample().counters["cpu_total"] > 0
    assert host.file_systems[0].usage is not None
    assert host.memory["MemTotal"] > 0


def test_what_cannot_be_read_is_said(host: FakeHost) -> None:
    with pytest.raises(UnmeasurableError, match=r"^/proc/missing cannot be read: No such file or directory$"):
        host.target().read("/proc/missing")
    assert host.target().read_if_there("/proc/missing") == ""


def test_programs_answer_or_say_why_not(host: FakeHost) -> None:
    host.answer("good", "text")
    host.answer("bad", exit_code=3, error_output="it broke\nat length")
    host.hang("slow")
    target = host.target()
    assert target.output_of(["good"]) == "text"
    with pytest.raises(UnmeasurableError, match=r"^bad ended with exit code 3: it broke$"):
        target.output_of(["bad"])
    with pytest.raises(UnmeasurableError, match="did not end"):
        target.output_of(["slow"])
    with pytest.raises(NotApplicableError, match=r"^missing is not installed$"):
        target.output_of(["missing"])


def test_systemd_is_required_where_a_check_needs_it(host: FakeHost) -> None:
    with pytest.raises(NotApplicableError, match="systemd"):
        host.target().require_systemd()
    (host.root / "run/systemd/system").mkdir(parents=True)
    host.target().require_systemd()


def test_a_container_is_recognised(host: FakeHost) -> None:
    assert not host.target().is_container
    host.write("/run/.containerenv", "")
    assert host.target().is_container


def test_places_are_where_the_database_the_benches_and_the_backups_are(host: FakeHost) -> None:
    host.process(10, "/usr/sbin/mariadbd", "--user=mysql", cwd="/var/lib/mysql")
    host.process(11, "/usr/sbin/mariadbd")  # where it may not be looked at, the link is missing
    (host.root / "proc/11/cwd").unlink()
    bench = host.root / "home/frappe/frappe-bench"
    host.write("/home/frappe/frappe-bench/sites/common_site_config.json", "{}")
    host.write("/home/frappe/frappe-bench/sites/a.example.com/site_config.json", "{}")
    target = host.target(settings=Settings(backup_paths=("/srv/backups",), offsite_paths=("/mnt/offsite",)))
    assert target.places == [
        Path("/var/lib/mysql"),
        bench,
        Path("/srv/backups"),
        Path("/mnt/offsite"),
        bench / "sites/a.example.com/private/backups",
    ]


def test_benches_that_were_given_are_the_only_ones(host: FakeHost) -> None:
    host.write("/home/frappe/frappe-bench/sites/common_site_config.json", "{}")
    assert [bench.name for bench in host.target().benches] == ["frappe-bench"]
    assert Host(HOST_NAME, host.surroundings, []).benches == []


def test_the_kernels_log_is_read_with_its_times(host: FakeHost) -> None:
    assert host.target().kernel_messages is None
    host.answer("dmesg", "[    1.500000] Linux version 6\nno time\n[  200.000001] eth0: up\n")
    assert host.target().kernel_messages == [
        KernelMessage(NOW_SECONDS - UP_SECONDS + 1.5, "Linux version 6"),
        KernelMessage(NOW_SECONDS - UP_SECONDS + 200.000001, "eth0: up"),
    ]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("/usr/sbin/nginx", "-g"), "nginx"),
        (("gunicorn:", "master", "[frappe]"), "gunicorn"),
        (("/usr/bin/python3", "/usr/bin/supervisord", "-n"), "supervisord"),
        (("python3", "-m", "gunicorn"), "gunicorn"),
        (("python3", "-c", "x"), "python3"),
        (("python3",), "python3"),
        (("redis-server", "127.0.0.1:6379"), "redis-server"),
    ],
)
def test_programs_have_the_name_that_people_know(arguments: tuple[str, ...], name: str) -> None:
    assert program_name(Process(1, 0, 0, arguments, None)) == name
