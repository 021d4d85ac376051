from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Callable

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.nginx_upstream import (
    Nginx,
    Upstream,
    connections_to,
    find_upstreams,
    switch,
    with_port,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

TEXT = (
    "upstream b { server 127.0.0.1:8000 fail_timeout=0; server 127.0.0.1:80001; }\nproxy_pass http://localhost:8000;\n"
)
TCP_HEAD = "  sl  local_address rem_address   st\n"


def add_process(root: Path, pid: int, parent: int, title: str) -> None:
    folder = root / "proc" / str(pid)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cmdline").write_bytes(title.encode() + b"\0")
    (folder / "stat").write_text(f"{pid} (nginx) S {parent} 0")


def answering(exit_code: int = 0, output: str = "") -> Callable[[Sequence[str]], CommandResult]:
    return lambda arguments: CommandResult(tuple(arguments), exit_code, output, "")


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "bench.conf"
    path.write_text(TEXT)
    path.chmod(0o640)
    return path


@pytest.fixture
def upstream(configuration: Path, tmp_path: Path) -> Upstream:
    add_process(tmp_path, 50, 1, "nginx: master process /usr/sbin/nginx -g daemon on; -c /x/nginx.conf")
    add_process(tmp_path, 51, 50, "nginx: worker process")
    return Upstream(Nginx(50, ("/usr/sbin/nginx", "-c", "/x/nginx.conf")), (configuration,))


def test_only_the_port_of_this_host_is_exchanged() -> None:
    changed = with_port(TEXT, 8000, 9123)
    assert changed == TEXT.replace(":8000 ", ":9123 ").replace(":8000;", ":9123;")
    assert with_port(changed, 9123, 8000) == TEXT


def test_nginx_is_found_by_what_it_says_that_it_read(upstream: Upstream, configuration: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.conf"
    other.write_text("proxy_pass http://app2.example.com:8000;\n")
    add_process(tmp_path, 60, 1, "nginx: master process")
    printed = (
        f"# configuration file {configuration}:\n{TEXT}\n# configuration file {other}:\n# configuration file /no:\n"
    )
    assert find_upstreams(8000, answering(output=printed), tmp_path) == [upstream]
    assert find_upstreams(8001, answering(output=printed), tmp_path) == []


def test_connections_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "proc" / "net"
    folder.mkdir(parents=True)
    assert connections_to(8000, tmp_path) == 0
    lines = ["0: 0100007F:1F40 0100007F:9999 01 x", "1: 0100007F:1F40 00000000:0000 0A x", "2: 0100007F:0050 0:1 01 x"]
    (folder / "tcp").write_text(TCP_HEAD + "\n".join(lines) + "\n")
    assert connections_to(8000, tmp_path) == 1


def test_change_that_nginx_refuses_is_taken_back(upstream: Upstream, configuration: Path, tmp_path: Path) -> None:
    with pytest.raises(LifeboatError, match="nginx -t refuses") as caught:
        switch(upstream, 8000, 9000, answering(1), 1, tmp_path)
    assert caught.value.error_code == "restart_refused"
    assert configuration.read_text() == TEXT
    assert configuration.stat().st_mode & 0o777 == 0o640


class Reloading:
    """What the kernel would show of an nginx that is told to reload, one look after the other."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.looks: list[Callable[[], None]] = []
        self.seconds = 0.0
        monkeypatch.setattr("time.sleep", self._sleep)
        monkeypatch.setattr(os, "kill", self._kill)

    def _kill(self, pid: int, number: int) -> None:
        assert (pid, number) == (50, signal.SIGHUP)

    def _sleep(self, _seconds: float) -> None:
        self.seconds += 1.0
        if self.looks:
            self.looks.pop(0)()

    def clock(self) -> float:
        return self.seconds


def test_old_workers_are_waited_for(upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def take_new() -> None:
        add_process(tmp_path, 52, 50, "nginx: worker process")
        add_process(tmp_path, 51, 50, "nginx: worker process is shutting down")

    def end_old() -> None:
        (tmp_path / "proc" / "51" / "stat").write_text("51 (nginx) Z 50 0")

    reloading = Reloading(tmp_path, monkeypatch)
    reloading.looks = [take_new, end_old]
    switch(upstream, 8000, 9000, answering(), 30, tmp_path, reloading.clock)
    assert reloading.looks == []
    assert "127.0.0.1:9000" in upstream.files[0].read_text()


def test_worker_with_a_long_connection_is_left_once_nothing_goes_to_the_old_port(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "proc" / "net").mkdir()
    (tmp_path / "proc" / "net" / "tcp").write_text(f"{TCP_HEAD}0: 0100007F:1F40 0100007F:9999 01 x\n")

    def take_new() -> None:
        add_process(tmp_path, 52, 50, "nginx: worker process")
        add_process(tmp_path, 51, 50, "nginx: worker process is shutting down")

    reloading = Reloading(tmp_path, monkeypatch)
    reloading.looks = [take_new, lambda: None, lambda: None, (tmp_path / "proc" / "net" / "tcp").unlink]
    switch(upstream, 8000, 9000, answering(), 2, tmp_path, reloading.clock)
    assert reloading.looks == []


def test_nginx_that_does_not_take_the_change_is_told(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reloading = Reloading(tmp_path, monkeypatch)
    with pytest.raises(LifeboatError, match="started no new workers within 3 seconds"):
        switch(upstream, 8000, 9000, answering(), 3, tmp_path, reloading.clock)
