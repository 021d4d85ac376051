"""Targets that answer from memory, and a host that is a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.service import Service
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.registry import UnmeasurableError
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.bench import BenchTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.database_server import DatabaseServer
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import HOST_NAME, Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.read_once import read_once
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.redis_instance import RedisInstance
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.site import SiteTarget
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Surroundings


def write(root: Path, path: str, text: str) -> None:
    """Write a file of the host below the folder that stands for its root."""
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def host_at(root: Path) -> Host:
    return Host(HOST_NAME, Surroundings(root=root))


class FakeServer(DatabaseServer):
    """A server that answers statements by what is in them."""

    def __init__(self, variables: Mapping[str, str], rows: Mapping[str, list[tuple[Any, ...]]]) -> None:
        super().__init__("127.0.0.1:3306", Surroundings(), [], {"_a": "erp.example.com"})
        self.rows = {"SHOW GLOBAL VARIABLES": list(variables.items()), **rows}

    def query(self, statement: str, arguments: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ARG002
        for words, rows in self.rows.items():
            if words in statement:
                return rows
        raise UnmeasurableError("the account may not see that")


class FakeRedis(RedisInstance):
    """A Redis server with these settings and this INFO."""

    def __init__(self, info: dict[str, Any], settings: dict[str, str]) -> None:
        super().__init__("redis://127.0.0.1:13000", Surroundings(), "redis://127.0.0.1:13000", ["cache", "socketio"])
        self.answers = {"info": info, "config_get": settings}

    def ask(self, question: Any) -> Any:
        answers = self.answers

        class Connection:
            def info(self, _section: str = "") -> dict[str, Any]:
                return answers["info"]

            def config_get(self, _pattern: str) -> dict[str, str]:
                return answers["config_get"]

        return question(Connection())


class FakeBench(BenchTarget):
    """A bench in a folder, with these services."""

    def __init__(self, path: Path, kinds: tuple[str, ...] = (), state_path: Path = Path("/nowhere")) -> None:
        super().__init__(Bench(path), Surroundings(state_path=state_path))
        self.kinds = kinds

    @read_once
    def services(self) -> list[Service]:
        return [Service(name=kind, manager="systemd", kind=kind, state="running", pid=1) for kind in self.kinds]


def site_of(bench: BenchTarget, name: str) -> SiteTarget:
    return SiteTarget(bench.bench.site(name), bench, bench.surroundings)
