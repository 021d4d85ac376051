"""A bench of files with two sites on a real server, for debug mode: its clock and its timer are a test's own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.begin import DebugRequest, run_present
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.end import Surroundings
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.run import EndRequest, run_absent, run_tick
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.server import read_variables, set_variables
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.state import OWNER, StateFiles
from ansible_collections.lifeboat.frappe.plugins.module_utils._debugging.timer import UNIT, UNIT_FOLDER, Timer
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions, connect
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import CommandResult
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.lab import MariaDBServer

ONE, TWO = "one.localhost", "two.localhost"
NOW = 1_800_000_000.0
# By hand, in a form of its own: four spaces, a letter of its own, a line at its end.
CONFIGURATION = (
    '{\n    "monitor": 0,\n    "db_name": "_one",\n    "db_password": "hidden",\n    "title": "Bäckerei"\n}\n'
)


@contextmanager
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDBServer]:
    """A server of our own, whose global variables nobody else sets."""
    folder = tmp_path_factory.mktemp("debugged-server")
    with MariaDBServer(folder) as server:
        yield server
    shutil.rmtree(folder)


class DebugStage:
    """Two sites on one server, and whoever debugs them.

    Args:
        folder: An empty folder.
        login: The administrator of the server.
    """

    def __init__(self, folder: Path, login: LoginOptions) -> None:
        self.bench = Bench(folder / "frappe-bench")
        self.state_path = folder / "state"
        self.root = folder / "root"
        self.login = login
        self.now = NOW
        self.commands: list[str] = []
        self.program_works = True
        self.program_state_path = self.state_path
        (self.bench.path / "logs").mkdir(parents=True)
        for name in (ONE, TWO):
            self.bench.site(name).path.mkdir(parents=True)
            self.configure(name, CONFIGURATION)
        self.bench.common_config_path.write_text(json.dumps({"db_host": login.login_host, "db_port": login.login_port}))

    def configure(self, name: str, text: str) -> None:
        """Write the configuration of a site, with a mode of its own."""
        self.bench.site(name).config_path.write_text(text)
        self.bench.site(name).config_path.chmod(0o604)

    def install_units(self) -> None:
        """Make a host on which systemd runs and has the units."""
        (self.root / "run/systemd/system").mkdir(parents=True)
        (self.root / UNIT_FOLDER).mkdir(parents=True)
        for kind in ("timer", "service"):
            (self.root / UNIT_FOLDER / f"{UNIT}.{kind}").touch()

    @property
    def around(self) -> Surroundings:
        """The I/O: a real server, a clock and a service manager of the test."""
        return Surroundings(connect=connect, timer=Timer(self.systemctl, self.root), clock=lambda: self.now)

    def systemctl(self, arguments: Sequence[str]) -> CommandResult:
        """Stand in for systemctl: the service's program runs at once, in this process."""
        self.commands.append(" ".join(arguments[1:]))
        errors: list[LifeboatError] = []
        if arguments[1] == "start":
            errors = self.tick() if self.program_works else [LifeboatError("broken", "library_missing")]
        return CommandResult(tuple(arguments), len(errors), "", "")

    def begin(self, *names: str, **changes: Any) -> dict[str, Any]:
        """Turn debug mode of sites on, of both where none is named."""
        sites = tuple(self.bench.site(name) for name in names or (ONE, TWO))
        request = DebugRequest(
            sites=sites,
            logins={site.name: self.login for site in sites},
            state_path=self.state_path,
            minutes=30,
            logging=1,
            monitor=True,
            long_query_seconds=0.5,
            min_free_percent=0,
            max_log_bytes=1024,
            allow_without_timer=True,
            check_mode=False,
        )
        return run_present(replace(request, **changes), self.around)

    def end(self, site: str = "", **changes: Any) -> dict[str, Any]:
        """End debug mode of a site, or of all."""
        request = EndRequest(site, "", self.state_path, remove_logs=False, check_mode=False)
        return run_absent(replace(request, **changes), self.around)

    def tick(self, seconds: float = 0) -> list[LifeboatError]:
        """Let time go by, and run what the timer runs."""
        self.now += seconds
        return run_tick(StateFiles(self.program_state_path), self.around)

    def configuration(self, name: str) -> dict[str, Any]:
        """Return the keys of a site's configuration."""
        values: dict[str, Any] = json.loads(self.bench.site(name).config_path.read_text())
        return values

    def variables(self) -> dict[str, str]:
        """Return the server's variables of the slow log."""
        with closing(connect(self.login)) as connection:
            return read_variables(connection)

    def set_variables(self, **values: str) -> None:
        """Set variables of the server, as somebody else would."""
        with closing(connect(self.login)) as connection:
            set_variables(connection, values)

    def assert_over(self, variables: dict[str, str]) -> None:
        """All is as it was, to the byte, and nothing is left of the login."""
        for name in (ONE, TWO):
            path = self.bench.site(name).config_path
            assert path.read_text() == CONFIGURATION
            assert path.stat().st_mode & 0o777 == 0o604
        assert self.variables() == variables
        assert not StateFiles(self.state_path).read().is_on
        assert not (self.state_path / OWNER / "logins.json").exists()
