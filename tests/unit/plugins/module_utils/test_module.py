from __future__ import annotations

import errno
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils import _module
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


class EndedError(Exception):
    """A module ended."""


class Module:
    """Notes how the module ended."""

    def __init__(self) -> None:
        self.params = {"site": "a.localhost"}
        self.result: dict = {}

    def exit_json(self, **result: object) -> None:
        self.result = {"failed": False, **result}
        raise EndedError

    def fail_json(self, **result: object) -> None:
        self.result = {"failed": True, **result}
        raise EndedError


def test_a_result_ends_the_module():
    module = Module()
    with pytest.raises(EndedError):
        _module.run(module, lambda _module: {"changed": True})
    assert module.result == {"failed": False, "changed": True}


def test_an_error_ends_the_module_with_its_code():
    module = Module()

    def fail(_module: Module) -> dict:
        raise LifeboatError("what and what to do", "disk_space", {"free_bytes": 1})

    with pytest.raises(EndedError):
        _module.run(module, fail)
    assert module.result == {
        "failed": True,
        "msg": "what and what to do",
        "error_code": "disk_space",
        "details": {"free_bytes": 1},
    }


def test_a_full_disk_ends_the_module_with_what_to_do():
    module = Module()

    def fail(_module: Module) -> dict:
        raise OSError(errno.ENOSPC, "No space left on device", "/var/lib/lifeboat/lock")

    with pytest.raises(EndedError):
        _module.run(module, fail)
    assert (module.result["failed"], module.result["error_code"]) == (True, "disk_space")
    assert "Free some space there, then run this again." in module.result["msg"]


def test_a_fault_of_the_program_itself_is_not_hidden():
    def fail(_module: Module) -> dict:
        raise OSError(errno.EBADF, "Bad file descriptor")

    with pytest.raises(OSError, match="Bad file descriptor"):
        _module.run(Module(), fail)


def test_progress_goes_where_it_was_asked_for(tmp_path):
    path = tmp_path / "progress"
    _module.progress_reporter({"progress_path": str(path), "lease_seconds": 0}).start("load")
    assert path.exists()
    _module.progress_reporter({"progress_path": None, "lease_seconds": 0}).start("load")


def make_bench(tmp_path: Path) -> Path:
    bench = tmp_path / "bench"
    (bench / "sites" / "a.localhost").mkdir(parents=True)
    (bench / "apps" / "frappe").mkdir(parents=True)
    (bench / "sites" / "common_site_config.json").write_text('{"db_host": "db.example.com", "db_port": 3310}')
    (bench / "sites" / "apps.txt").write_text("frappe\n")
    (bench / "sites" / "a.localhost" / "site_config.json").write_text('{"db_name": "_a", "db_password": "x"}')
    python = bench / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    return bench


def test_the_login_is_completed_from_the_bench(tmp_path):
    parameters = {name: spec.get("default") for name, spec in _module.LOGIN_ARGUMENTS.items()}
    parameters.update(site="a.localhost", bench_path=str(make_bench(tmp_path)), config_file=None)
    login = _module.login_options(parameters)
    assert (login.login_host, login.login_port) == ("db.example.com", 3310)


def test_pymysql_that_is_there_is_enough(monkeypatch):
    monkeypatch.setattr(_module, "HAS_PYMYSQL", True)
    _module.require_pymysql(Module(), None)


def test_without_pymysql_the_module_respawns_under_the_python_of_the_bench(tmp_path, monkeypatch):
    bench = make_bench(tmp_path)
    used: list[str] = []

    def respawn(interpreter: str) -> None:
        used.append(interpreter)
        raise EndedError

    monkeypatch.setattr(_module, "HAS_PYMYSQL", False)
    monkeypatch.setattr(_module, "respawn_module", respawn)
    monkeypatch.setattr(_module, "has_respawned", lambda: False)
    with pytest.raises(EndedError):
        _module.require_pymysql(Module(), str(bench))
    assert used == [str(bench / "env" / "bin" / "python")]


@pytest.mark.parametrize("missing", ["HAS_PYMYSQL", "HAS_REDIS"])
def test_libraries_are_looked_for_in_the_benches(tmp_path, monkeypatch, missing):
    benches = [Bench(tmp_path / "without"), Bench(make_bench(tmp_path))]
    used: list[str] = []
    monkeypatch.setattr(_module, "respawn_module", used.append)
    monkeypatch.setattr(_module, "has_respawned", lambda: False)
    _module.prefer_libraries(benches)
    assert used == [], "nothing is missing"
    monkeypatch.setattr(_module, missing, False)
    _module.prefer_libraries(benches[:1])
    assert used == [], "no bench helps, so it goes on without"
    _module.prefer_libraries(benches)
    assert used == [str(benches[1].interpreter)]
    monkeypatch.setattr(_module, "has_respawned", lambda: True)
    _module.prefer_libraries(benches)
    assert len(used) == 1


@pytest.mark.parametrize("has_respawned", [False, True], ids=["no bench", "respawned already"])
def test_without_pymysql_anywhere_it_says_what_to_install(tmp_path, monkeypatch, has_respawned):
    module = Module()
    bench_path = str(make_bench(tmp_path)) if has_respawned else str(tmp_path / "none")
    monkeypatch.setattr(_module, "HAS_PYMYSQL", False)
    monkeypatch.setattr(_module, "has_respawned", lambda: has_respawned)
    with pytest.raises(EndedError):
        _module.require_pymysql(module, bench_path)
    assert module.result["error_code"] == "library_missing"
    assert "PyMySQL" in module.result["msg"]
