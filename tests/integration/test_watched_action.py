"""The background run of long modules: progress on the screen, the plain module's results, no leftovers, no orphans."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab.processes import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent

MODULE = """
import os, signal, time
from pathlib import Path
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lifeboat.frappe.plugins.module_utils._module import PROGRESS_ARGUMENTS, progress_reporter, run
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

def work(module):
    if module.check_mode:
        return {"changed": True, "plan": ["sleep"], "given_up": False, "progress_path": module.params["progress_path"]}
    Path(module.params["pid_file"]).write_text(str(os.getpid()))
    reporter = progress_reporter(module.params)
    reporter.start("load", total_bytes=4 * 2**20, total_items=4)
    end = time.monotonic() + module.params["seconds"]
    enough = Path(module.params["pid_file"]).with_name("enough")
    while time.monotonic() < end and not enough.exists():
        reporter.update(done_bytes=2**20, done_items=1, item_name="tabNote")
        time.sleep(0.05)
    if module.params["fail"]:
        raise LifeboatError("Cannot sleep: a dream.", "command_failed", {"dream": 1})
    module.warn("slept") if module.params["warn"] else None
    return {"changed": True, "text": "a\\tb \\u20ac"}

def main():
    run(AnsibleModule(argument_spec={
        "site": {"type": "str"}, "seconds": {"type": "float", "default": 0}, "fail": {"type": "bool", "default": False},
        "warn": {"type": "bool", "default": False}, "pid_file": {"type": "path"}, **PROGRESS_ARGUMENTS,
    }, supports_check_mode=True), work)

if __name__ == "__main__":
    main()
"""
ACTION = """
from ansible_collections.lifeboat.frappe.plugins.plugin_utils.watched_action import WatchedActionBase

class ActionModule(WatchedActionBase):
    ITEMS = "tables"
"""
# For a module that was killed: no result comes any more, so that there is nothing to wait for.
IMPATIENT_ACTION = f"""{ACTION}
from ansible_collections.lifeboat.frappe.plugins.plugin_utils import watched_action

watched_action.RESULT_SECONDS = 0
"""


class Sleeper:
    """Runs a playbook whose one task is a module that sleeps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.jobs = folder / "jobs"
        self.pid_file = folder / "pid"
        plugins = folder / "collections" / "ansible_collections" / "test" / "watched" / "plugins"
        self.action_path = plugins / "action" / "sleeper.py"
        for path, text in ((plugins / "modules" / "sleeper.py", MODULE), (self.action_path, ACTION)):
            path.parent.mkdir(parents=True)
            path.write_text(text)

    def start(self, *options: str, no_log: bool = False, **arguments: Any) -> subprocess.Popen[str]:
        task = {
            "test.watched.sleeper": {"site": "alpha.localhost", "pid_file": str(self.pid_file), **arguments},
            "register": "slept",
            "ignore_errors": True,
            "no_log": no_log,
        }
        show = {
            "ansible.builtin.copy": {
                "dest": str(self.folder / "result.json"),
                "content": "{{ slept | to_json }}",
                "mode": "0600",
            }
        }
        play = {"hosts": "localhost", "gather_facts": False, "tasks": [task, {**show, "check_mode": False}]}
        (self.folder / "play.yml").write_text(json.dumps([play]))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / '.cache' / 'collections'}:{self.folder / 'collections'}",
            "ANSIBLE_ASYNC_DIR": str(self.jobs),
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "local"),
            "ANSIBLE_REMOTE_TEMP": str(self.folder / "remote"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "LC_ALL": "C.UTF-8",
        }
        program = Path(sys.executable).with_name("ansible-playbook")
        return subprocess.Popen(
            [str(program), str(self.folder / "play.yml"), *options],
            env=environment,
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *options: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
        process = self.start(*options, **arguments)
        output, _nothing = process.communicate(timeout=600)
        assert process.returncode == 0, output
        return output, json.loads((self.folder / "result.json").read_text())

    def leftovers(self) -> list[str]:
        """What is there; Ansible's own wrapper, which looks every five seconds, cleans up a while after the end."""
        return [str(path) for name in ("jobs", "remote") for path in (self.folder / name).glob("*")]


@pytest.fixture
def sleeper(tmp_path: Path) -> Sleeper:
    return Sleeper(tmp_path)


def wait_for_process(sleeper: Sleeper) -> int:
    wait_until(lambda: sleeper.pid_file.exists() and bool(sleeper.pid_file.read_text()), "the module")
    return int(sleeper.pid_file.read_text())


def wait_for_the_end_of_leftovers(sleeper: Sleeper) -> None:
    wait_until(lambda: not sleeper.leftovers(), "the end of what a run needed")


def test_progress_is_shown_and_nothing_stays_behind(sleeper: Sleeper) -> None:
    process = sleeper.start(seconds=3600)
    assert process.stdout is not None
    shown = "alpha.localhost: load  1.0 MiB of 4.0 MiB, 1 of 4 tables, tabNote, 0:"
    assert any(shown in line for line in process.stdout)
    (sleeper.folder / "enough").touch()
    output, _nothing = process.communicate(timeout=600)
    assert process.returncode == 0, output
    result = json.loads((sleeper.folder / "result.json").read_text())
    assert (result["changed"], result["text"]) == (True, "a\tb \u20ac")
    assert not {"ansible_job_id", "started", "finished", "results_file"} & set(result)
    wait_for_the_end_of_leftovers(sleeper)


@pytest.mark.parametrize("pipelining", ["true", "false"])
def test_an_error_is_the_modules_own(sleeper: Sleeper, pipelining: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_PIPELINING", pipelining)
    _output, result = sleeper.run(fail=True)
    assert result["failed"] is True
    assert (result["msg"], result["error_code"], result["details"]) == (
        "Cannot sleep: a dream.",
        "command_failed",
        {"dream": 1},
    )
    wait_for_the_end_of_leftovers(sleeper)


def test_a_warning_of_the_module_is_shown(sleeper: Sleeper) -> None:
    output, _result = sleeper.run(warn=True)
    assert "[WARNING]: slept" in output


def test_a_result_is_found_where_home_is_not_the_accounts_own(
    sleeper: Sleeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(sleeper.folder))
    sleeper.jobs = Path("~/.ansible_async")
    _output, result = sleeper.run()
    assert result["text"] == "a\tb \u20ac"


def test_an_unknown_option_is_refused_as_usual(sleeper: Sleeper) -> None:
    _output, result = sleeper.run(snore=True)
    assert result["failed"] is True
    assert "Unsupported parameters" in result["msg"]


def test_check_mode_runs_the_module_plainly(sleeper: Sleeper) -> None:
    _output, result = sleeper.run("--check", seconds=60)
    assert (result["plan"], result["progress_path"]) == (["sleep"], None)
    assert not sleeper.jobs.exists()


def test_a_secret_task_shows_no_progress(sleeper: Sleeper) -> None:
    process = sleeper.start(seconds=5, no_log=True)
    output, _nothing = process.communicate(timeout=600)
    assert process.returncode == 0
    assert "tabNote" not in output


def test_a_killed_module_is_noticed(sleeper: Sleeper) -> None:
    sleeper.action_path.write_text(IMPATIENT_ACTION)
    process = sleeper.start(seconds=3600)
    # Its wrapper would report an end of the module alone, so both go, as when the host runs out of memory.
    module = wait_for_process(sleeper)
    wrapper = int(Path("/proc", str(module), "stat").read_text().rpartition(")")[2].split()[1])
    wait_until(lambda: bool(list(sleeper.jobs.glob("*.progress"))), "the module's progress")
    os.kill(wrapper, signal.SIGKILL)
    os.kill(module, signal.SIGKILL)
    process.communicate(timeout=600)
    result = json.loads((sleeper.folder / "result.json").read_text())
    assert (result["failed"], result["error_code"]) == (True, "module_killed")
    assert "during load" in result["msg"]


def test_the_module_gives_up_when_its_caller_is_gone(sleeper: Sleeper) -> None:
    process = sleeper.start(seconds=3600, lease_seconds=2)
    module = wait_for_process(sleeper)
    for child in subprocess.run(
        ["pgrep", "-P", str(process.pid)], text=True, capture_output=True, check=False
    ).stdout.split():
        os.kill(int(child), signal.SIGKILL)
    process.kill()
    process.communicate()
    wait_until(lambda: not Path("/proc", str(module)).exists(), "the end of the module to which nobody listens")
