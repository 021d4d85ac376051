# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Running a long module so that whoever watches sees how far it is, and so that it ends when nobody watches."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import time
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from .texts import progress_text

JOB_LIMIT_SECONDS = 7 * 24 * 3600
# Short work is not held up by the first looks; a line at least every five seconds needs one look every three.
FIRST_POLLS_SECONDS = (*(0.2,) * 5, *(0.5,) * 4, *(1.0,) * 2)
POLL_SECONDS = 3.0
PRINT_SECONDS = 2.5
# As long as the module's lease by default: when the host cannot be reached for longer, the module gave up.
UNREACHABLE_SECONDS = 60.0
# Between the end of the module's process and the result in the job's file lie milliseconds, more on a busy host.
RESULT_SECONDS = 10.0
JOB_KEYS = ("ansible_job_id", "started", "finished", "results_file")

display = Display()


class WatchedActionBase(ActionBase):
    """Starts the module of the same name in the background, shows its progress, and returns its result unchanged.

    Attributes:
        ITEMS: What the module counts, in the plural, for the line of its progress.
    """

    _requires_connection = True
    ITEMS = "items"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module; plainly where it is short, and in check mode, where it must leave nothing behind as well."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self.module_arguments()
        if self._task.check_mode or not self.is_long():
            result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
            self._remove_tmp_path(self._connection._shell.tmpdir)
            return result
        job_folder = self._remote_expand_user(self.get_shell_option("async_dir", default="~/.ansible_async"))
        arguments["progress_path"] = arguments.get("progress_path") or (
            f"{job_folder}/lifeboat-{secrets.token_hex(8)}.progress"
        )
        lease = shlex.quote(f"{arguments['progress_path']}.lease")
        self._low_level_execute_command(f"umask 077 && mkdir -p {shlex.quote(job_folder)} && touch {lease}")
        try:
            result.update(self._run_in_background(arguments, job_folder, task_vars))
        finally:
            leftovers = f"{shlex.quote(arguments['progress_path'])} {lease}"
            self._low_level_execute_command(f"rm -f {leftovers}")
        return result

    def module_arguments(self) -> dict[str, Any]:
        """Return the arguments that the module gets."""
        return dict(self._task.args)

    def is_long(self) -> bool:
        """Tell whether what is asked of the module may take so long that somebody wants to see how far it is."""
        return True

    def _run_in_background(
        self, arguments: dict[str, Any], job_folder: str, task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        self._task.async_val = JOB_LIMIT_SECONDS
        # Where HOME is not the account's own (sudo -E), the job would write its result somewhere else.
        self._connection._shell.set_option("async_dir", job_folder)
        try:
            job = self._execute_module(module_args=arguments, task_vars=task_vars, wrap_async=True)
        finally:
            self._task.async_val = 0
        if job.get("failed") or "ansible_job_id" not in job:
            return job
        job_path = f"{job_folder}/{job['ansible_job_id']}"
        problem = self._watch(job_path, arguments["progress_path"])
        result = problem or self._fetch(job["ansible_job_id"], job_folder, task_vars)
        self._low_level_execute_command(f"rm -f {shlex.quote(job_path)}")
        if "ansible_facts" in job:  # the interpreter that was discovered on the way
            result["ansible_facts"] = {**job["ansible_facts"], **result.get("ansible_facts", {})}
        return result

    def _watch(self, job_path: str, progress_path: str) -> dict[str, Any] | None:
        """Show the progress until the job has ended. Returns a failed result when it ended without one."""
        subject = str(self._task.args.get("site", self._task.action))
        printed = reached = time.monotonic()
        gone_since: float | None = None
        for _look in _looks():
            try:
                state = self._poll(job_path, progress_path)
            except AnsibleConnectionFailure:
                if time.monotonic() - reached > UNREACHABLE_SECONDS:
                    raise
                self._connection.reset()
                continue
            now = reached = time.monotonic()
            if state["ended"]:
                return None
            if state["progress"] is None:
                continue
            if state["alive"]:
                gone_since = None
            elif gone_since is None:
                gone_since = now
            elif now - gone_since > RESULT_SECONDS:
                return {
                    "failed": True,
                    "msg": f"Cannot finish {self._task.action} on {subject}: its process "
                    f"{state['progress']['process_id']} was ended from outside during {state['progress']['step']}. "
                    "Find out what ended it (memory, a person, a restart of the host), then run this again.",
                    "error_code": "module_killed",
                    "details": {"progress": state["progress"]},
                }
            if now - printed >= PRINT_SECONDS and not self._task.no_log:
                display.display(progress_text(subject, self.ITEMS, state["progress"]))
                printed = now
        return None  # never reached: the looks do not end

    def _poll(self, job_path: str, progress_path: str) -> dict[str, Any]:
        """Ask in one command how far the job is, and tell the module in the same that somebody still listens."""
        job, progress = shlex.quote(job_path), shlex.quote(progress_path)
        answer = self._low_level_execute_command(
            f"touch {progress}.lease; "
            f"""process=$(sed -n 's/.*"process_id": \\([0-9]*\\).*/\\1/p' {progress} 2>/dev/null); """
            'if [ -n "$process" ] && [ -d "/proc/$process" ]; then echo alive; else echo gone; fi; '
            # Looked at after the process: a job that ended in between is seen as ended, not as killed.
            f"if head -c 100 {job} | grep -q '^{{\"started\": *[t1]'; then echo running; else echo ended; fi; "
            f"cat {progress} 2>/dev/null || true"
        )
        lines = answer["stdout"].splitlines()
        if len(lines) < 2:  # noqa: PLR2004 - the connection was cut in the middle of the answer
            raise AnsibleConnectionFailure(f"incomplete answer from {self._task.delegate_to or 'the host'}")
        return {
            "alive": lines[0] == "alive",
            "ended": lines[1] == "ended",
            "progress": json.loads(lines[2]) if len(lines) > 2 else None,  # noqa: PLR2004
        }

    def _fetch(self, job_id: str, job_folder: str, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(
            module_name="ansible.legacy.async_status",
            module_args={"jid": job_id, "_async_dir": job_folder},
            task_vars=task_vars,
        )
        return {name: value for name, value in result.items() if name not in JOB_KEYS}


def _looks() -> Iterator[None]:
    """Wait before each look at the job, and end this process when the one that started it is gone.

    Ansible's workers outlive an ansible-playbook that was killed. Nobody takes the result then; the lease must stay,
    because the module gives up only when it is there and nobody touches it any more.
    """
    caller = os.getppid()
    for pause_seconds in chain(FIRST_POLLS_SECONDS, repeat(POLL_SECONDS)):
        time.sleep(pause_seconds)
        if os.getppid() != caller:
            os._exit(1)
        yield
