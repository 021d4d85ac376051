"""What becomes of the keys of a configuration, worked out before anything is written. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from .._system.errors import LifeboatError
from .configuration import Configuration, without_password

MASK = "********"
_SECRET_NAME = re.compile(r"passw|pwd|secret|token|_key$|_keys$|^key$|dsn|credential", re.IGNORECASE)

# They say which data the site has and open what is stored in it: a recovery changes them, a hand never should.
IDENTITY = ("db_name", "db_user", "db_password", "encryption_key", "backup_encryption_key")

INTEGER = "a whole number"
SWITCH = "0 or 1"
SWITCH_TEXTS = {"0": 0, "false": 0, "1": 1, "true": 1}
# Frappe compares these with numbers, so the text "0", which is what a template makes of 0, would count as on.
KNOWN_KINDS = {
    **dict.fromkeys(
        (
            *("background_workers", "db_port", "file_watcher_port", "gunicorn_workers", "keep_backups_for_hours"),
            *("logging", "max_file_size", "pop_timeout", "rq_failed_jobs_limit", "rq_job_failure_ttl"),
            *("rq_results_ttl", "scheduler_tick_interval", "socketio_port", "webserver_port"),
        ),
        INTEGER,
    ),
    **dict.fromkeys(
        (
            *("allow_reads_during_maintenance", "allow_tests", "developer_mode", "disable_scheduler"),
            *("disable_website_cache", "dns_multitenant", "enable_db_statement_timeout", "enable_frappe_logger"),
            *(
                "ignore_csrf",
                "live_reload",
                "maintenance_mode",
                "monitor",
                "mute_emails",
                "pause_scheduler",
                "read_from_replica",
            ),
            *("server_script_enabled", "serve_default_site", "use_rq_auth"),
        ),
        SWITCH,
    ),
}


def chosen_values(configuration: Mapping[str, Any], names: Collection[str]) -> Configuration:
    """Return the values of some keys, exactly as they are; a key that the configuration does not have is left out."""
    return {name: value for name, value in configuration.items() if name in names}


def with_exactly(configuration: Mapping[str, Any], names: Collection[str], values: Mapping[str, Any]) -> Configuration:
    """Return the configuration with these values for some keys, in its own order.

    Args:
        configuration: The whole configuration.
        names: The keys that it is about; one of them that is not among the values is left out.
        values: Their values.
    """
    kept = {name: values.get(name, value) for name, value in configuration.items() if _stays(name, names, values)}
    return {**kept, **values}


def with_values(configuration: Mapping[str, Any], values: Mapping[str, Any], absent: Collection[str]) -> Configuration:
    """Return the configuration with some values set, in the type that Frappe reads them in, and some keys gone.

    Raises:
        LifeboatError: ``configuration_refused`` when a key belongs to the identity of the site's data, is both set and
            absent, or has a value of a type that Frappe would misread.
    """
    for name in (*values, *absent):
        if name in IDENTITY:
            raise _refused(name, "it says which data the site has", "lifeboat.frappe.recover changes it with the data.")
    for name in absent:
        if name in values:
            raise _refused(name, "it is to be set and to be absent", "Decide for one.")
    typed = {name: _typed(name, value) for name, value in values.items()}
    return with_exactly(configuration, [*typed, *absent], typed)


def refuse_open_secrets(values: Mapping[str, Any]) -> None:
    """Refuse values that were given where they are shown and logged, though their names say that they are secrets.

    Raises:
        LifeboatError: ``configuration_refused``.
    """
    for name in values:
        if _SECRET_NAME.search(name):
            raise _refused(
                name, "its name says that it is a secret", "Give it with secret_values, which is not logged."
            )


def changed_values(
    before: Mapping[str, Any], after: Mapping[str, Any], secret_names: Collection[str] = ()
) -> tuple[Configuration, Configuration]:
    """Return the values that differ, of before and of after, with secrets masked; for a plan or a difference.

    Args:
        before: The whole configuration.
        after: The same later.
        secret_names: Keys that are secrets whatever their names say.
    """
    names = sorted(name for name in {*before, *after} if differs(before, after, name))
    return _shown(before, names, secret_names), _shown(after, names, secret_names)


def differs(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> bool:
    """Tell whether a key has another value, or is there in one configuration alone."""
    # 1, True and 1.0 are equal to Python; in the file they are not the same.
    return (name in before, repr(before.get(name))) != (name in after, repr(after.get(name)))


def _stays(name: str, names: Collection[str], values: Mapping[str, Any]) -> bool:
    return name not in names or name in values


def _shown(configuration: Mapping[str, Any], names: list[str], secret_names: Collection[str]) -> Configuration:
    chosen = {name: configuration[name] for name in names if name in configuration}
    return {name: MASK if name in secret_names else _masked(name, value) for name, value in chosen.items()}


def _masked(name: str, value: Any) -> Any:
    """Return a value as it may be shown: secrets lie in nested values, and in the addresses of servers, as well."""
    if _SECRET_NAME.search(name):
        return MASK
    if isinstance(value, dict):
        return {inner: _masked(str(inner), found) for inner, found in value.items()}
    if isinstance(value, list):
        return [_masked("", found) for found in value]
    return without_password(value) if isinstance(value, str) and "://" in value and "@" in value else value


def _typed(name: str, value: Any) -> Any:
    kind = KNOWN_KINDS.get(name)
    if kind is None:
        return value
    try:
        return _whole_number(value) if kind == INTEGER else _switch(value)
    except ValueError:
        # The value is not told: it may be a secret that was put under the wrong name.
        raise _refused(name, "Frappe would misread its value", f"Give {kind}.") from None


def _whole_number(value: Any) -> int:
    if isinstance(value, bool):
        raise ValueError
    return int(str(value))


def _switch(value: Any) -> Any:
    if isinstance(value, (bool, int)) and value in (0, 1):
        return value
    if str(value).lower() not in SWITCH_TEXTS:
        raise ValueError
    return SWITCH_TEXTS[str(value).lower()]


def _refused(name: str, why: str, advice: str) -> LifeboatError:
    return LifeboatError(f"Refused to change {name}: {why}. {advice}", "configuration_refused", {"key": name})
