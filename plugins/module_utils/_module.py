"""The thin layer between Ansible and the plain Python below: options in, result or error out."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.respawn import has_respawned, respawn_module

from ._backups.repository import REPOSITORY_PATH
from ._backups.restic_repository import OffsiteAccess, ResticRepository
from ._backups.retention import RetentionPolicy
from ._bench.layout import Bench, bench_at, find_bench, find_benches, usable_interpreters
from ._mariadb.connection import DEFAULT_CONFIG_FILE, HAS_PYMYSQL, LoginOptions, with_config_file
from ._queue.connection import HAS_REDIS
from ._recovery.login import administrator_login, complete_login, usual_sockets
from ._system.errors import LifeboatError
from ._system.files import file_failure
from ._system.progress import ProgressReporter

STATE_PATH = "/var/lib/lifeboat"

SITE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "site": {"type": "str", "required": True},
    "bench_path": {"type": "path"},
    "state_path": {"type": "path", "default": STATE_PATH},
}
RECOVERY_ARGUMENTS: dict[str, dict[str, Any]] = {**SITE_ARGUMENTS, "recovery": {"type": "str"}}

BENCH_ARGUMENTS: dict[str, dict[str, Any]] = {
    "bench_path": {"type": "path", "required": True},
    "state_path": {"type": "path", "default": STATE_PATH},
}

BENCHES_ARGUMENTS: dict[str, dict[str, Any]] = {
    "bench_path": {"type": "path"},
    "search_paths": {"type": "list", "elements": "str"},
    "state_path": {"type": "path", "default": STATE_PATH},
}

LOGIN_ARGUMENTS: dict[str, dict[str, Any]] = {
    "login_user": {"type": "str"},
    "login_password": {"type": "str", "no_log": True},
    "login_host": {"type": "str", "default": "localhost"},
    "login_port": {"type": "int", "default": 3306},
    "login_unix_socket": {"type": "str"},
    "config_file": {"type": "path", "default": DEFAULT_CONFIG_FILE},
    "ca_cert": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path"},
    "connect_timeout": {"type": "int", "default": 30},
}

REPOSITORY_ARGUMENTS: dict[str, dict[str, Any]] = {
    "repository_path": {"type": "path", "default": REPOSITORY_PATH},
}

RETENTION_ARGUMENTS: dict[str, dict[str, Any]] = {
    "keep_daily": {"type": "int", "default": 7},
    "keep_weekly": {"type": "int", "default": 4},
    "keep_monthly": {"type": "int", "default": 6},
    "keep_yearly": {"type": "int", "default": 0},
    "keep_minimum": {"type": "int", "default": 2},
}

OFFSITE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "offsite_repository": {"type": "str"},
    "offsite_password": {"type": "str", "no_log": True},
    "s3_access_key_id": {"type": "str"},
    "s3_secret_access_key": {"type": "str", "no_log": True},
    "s3_session_token": {"type": "str", "no_log": True},
    "s3_region": {"type": "str", "default": ""},
}

PROGRESS_ARGUMENTS: dict[str, dict[str, Any]] = {
    "progress_path": {"type": "path"},
    "lease_seconds": {"type": "int", "default": 60},
}


def benches_of(parameters: dict[str, Any]) -> list[Bench]:
    """Return the bench that a module's options name, or all that are found.

    Raises:
        LifeboatError: ``bench_not_found``.
    """
    if parameters["bench_path"]:
        return [bench_at(parameters["bench_path"])]
    return find_benches(parameters["search_paths"])


def login_options(parameters: dict[str, Any]) -> LoginOptions:
    """Return how to reach the server of the module's site: what its options leave open comes from the bench.

    Raises:
        LifeboatError: ``bench_not_found`` or ``bench_ambiguous``.
    """
    given = LoginOptions(**{name: parameters[name] for name in LOGIN_ARGUMENTS})
    bench = find_bench(parameters["site"], parameters["bench_path"])
    return administrator_login(given, bench, parameters["site"])


def server_login(parameters: dict[str, Any]) -> LoginOptions:
    """Return how to reach the server of the module's site, or without a site the one that its options lead to.

    Raises:
        LifeboatError: ``bench_not_found`` or ``bench_ambiguous``.
    """
    if parameters["site"]:
        return login_options(parameters)
    given = LoginOptions(**{name: parameters[name] for name in LOGIN_ARGUMENTS})
    return complete_login(with_config_file(given), {}, {}, usual_sockets())


def offsite_repository(parameters: dict[str, Any]) -> ResticRepository:
    """Return the repository off-site that a module's options name.

    Raises:
        LifeboatError: ``offsite_refused``.
    """
    given = {name: parameters[f"s3_{name}"] for name in ("access_key_id", "secret_access_key", "session_token")}
    return ResticRepository(
        OffsiteAccess(
            repository=parameters["offsite_repository"],
            password=parameters["offsite_password"] or "",
            s3={f"aws_{name}": value for name, value in given.items() if value},
            s3_region=parameters["s3_region"],
        )
    )


def retention_policy(parameters: dict[str, Any]) -> RetentionPolicy:
    """Return what a module's options say is to be kept."""
    return RetentionPolicy(**{name: parameters[name] for name in RETENTION_ARGUMENTS})


def progress_reporter(parameters: dict[str, Any]) -> ProgressReporter:
    """Make the reporter that a module's parameters ask for."""
    path = parameters["progress_path"]
    return ProgressReporter(Path(path) if path else None, parameters["lease_seconds"])


def run(module: AnsibleModule, work: Callable[[AnsibleModule], dict[str, Any]]) -> None:
    """Run a module's work and end the module with its result or with a clear error."""
    try:
        result = work(module)
    except LifeboatError as error:
        _fail(module, error)
    except OSError as error:
        failure = file_failure(error)
        if failure is None:
            raise
        _fail(module, failure)
    module.exit_json(**result)


def _fail(module: AnsibleModule, error: LifeboatError) -> None:
    module.fail_json(msg=error.message, error_code=error.error_code, details=error.details)


def require_pymysql(module: AnsibleModule, bench_path: str | None) -> None:
    """Make PyMySQL available: respawn under the Python of the site's bench, which has it, else say what to install."""
    if HAS_PYMYSQL:
        return
    with suppress(LifeboatError):
        _respawn_in([find_bench(module.params["site"], bench_path)])
    _fail_without_pymysql(module)


def require_pymysql_of_any(module: AnsibleModule, benches: Iterable[Bench]) -> None:
    """Make PyMySQL available as ``require_pymysql`` does, for a module that is about no single site."""
    if not HAS_PYMYSQL:
        _respawn_in(benches)
        _fail_without_pymysql(module)


def _fail_without_pymysql(module: AnsibleModule) -> None:
    module.fail_json(
        msg=missing_required_lib("PyMySQL", reason="to talk to MariaDB (role lifeboat.frappe.prerequisites)"),
        error_code="library_missing",
        details={"library": "PyMySQL"},
        exception=traceback.format_exc(),
    )


def prefer_libraries(benches: Iterable[Bench]) -> None:
    """Respawn under the Python of a bench where PyMySQL or redis is missing; go on without where no bench helps."""
    if not (HAS_PYMYSQL and HAS_REDIS):
        _respawn_in(benches)


def _respawn_in(benches: Iterable[Bench]) -> None:
    interpreters = usable_interpreters(benches)
    if interpreters and not has_respawned():
        respawn_module(interpreters[0])
