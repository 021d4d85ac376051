"""Checks of what a site's configuration says: that it can be read, means something, and is one for production."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Callable

from ..._bench.configuration import Configuration, is_on, read_configuration
from ..._system.errors import LifeboatError
from ..registry import Measurement, Remediation, check
from ..targets.site import SiteTarget

REQUIRED_KEYS = ("db_name", "db_password")
# How alike a key must be to a known one to be taken for a slip of the pen; apps bring keys of their own.
SLIP_SIMILARITY = 0.87


def _is_switch(value: Any) -> bool:
    return value is None or str(value).strip().lower() in {"0", "1", "true", "false"}


def _is_number(value: Any) -> bool:
    return value is None or (not isinstance(value, bool) and str(value).strip().isdigit())


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_anything(_value: Any) -> bool:
    return True


# The keys of Frappe, of bench and of ERPNext, with what their values must be.
_KINDS: dict[Callable[[Any], bool], tuple[str, str]] = {
    _is_switch: (
        "0 or 1",
        "allow_reads_during_maintenance allow_tests developer_mode disable_scheduler disable_website_cache "
        "dns_multitenant ignore_csrf live_reload maintenance_mode mute_emails pause_scheduler read_from_replica "
        "rebase_on_pull restart_supervisor_on_update restart_systemd_on_update serve_default_site "
        "server_script_enabled shallow_clone use_redis_auth use_rq_auth",
    ),
    _is_number: (
        "a number",
        "background_workers db_port file_watcher_port gunicorn_workers http_timeout keep_backups_for_hours "
        "max_file_size rq_failed_jobs_limit rq_job_failure_ttl rq_results_ttl scheduler_interval "
        "scheduler_tick_interval socketio_port webserver_port",
    ),
    _is_text: (
        "a text",
        "admin_password backup_encryption_key backup_path bench_id db_host db_name db_password db_socket db_ssl_ca "
        "db_ssl_cert db_ssl_key db_type db_user default_site encryption_key frappe_user host_name mail_login "
        "mail_password mail_server mariadb_root_login mariadb_root_password redis_cache redis_queue redis_socketio "
        "replica_db_name replica_db_password replica_db_user replica_host root_login root_password rq_password "
        "rq_username supervisor_restart_cmd",
    ),
    _is_object: ("an object", "backup limits rate_limit workers"),
    _is_anything: (
        "",
        "allow_cors domains extra_config install_apps logging mail_port monitor pop_timeout rds_db ssl_certificate "
        "ssl_certificate_key use_ssl use_tls",
    ),
}
_KNOWN = {key: (fits, what) for fits, (what, keys) in _KINDS.items() for key in keys.split()}

# Settings for a developer's machine. ``live_reload`` is not among them: bench writes it everywhere, and without the
# watching process it does nothing.
DEVELOPMENT_FLAGS = {
    "allow_tests": "tests may run, which delete data",
    "developer_mode": "documents of DocType change the source code, and errors show it",
    "disable_website_cache": "every page of the website is built anew",
    "ignore_csrf": "other websites may act in the name of a user",
    "logging": "every statement is written to a log",
    "server_script_enabled": "who may edit documents may run code",
}
SEVEREST_FLAGS = ("developer_mode", "ignore_csrf")


@check(
    "F01",
    "config.valid",
    title="Valid configuration",
    subject="site",
    target=SiteTarget,
    measures="What is wrong with the site's configuration and that of its bench",
    source="site_config.json and common_site_config.json",
    unit="count",
    warning="0",
    impact="critical",
    remediation=Remediation("Correct the file; a site whose configuration is lost is recovered from a backup set."),
    reference="own proposal, after the keys that Frappe and bench read",
)
def config_valid(site: SiteTarget) -> Iterator[Measurement]:
    """Read both files as Frappe does, and look for missing keys, wrong values and misspelt keys."""
    try:
        common = read_configuration(site.bench.bench.common_config_path)
        own = read_configuration(site.site.config_path)
    except LifeboatError as error:
        yield Measurement(1, text=error.message, severity="critical")
        return
    faults = missing_keys({**common, **own})
    doubts = [*wrong_values({**common, **own}), *misspelt_keys(own), *misspelt_keys(common)]
    found = (*faults, *doubts)
    yield Measurement(
        len(found),
        text="; ".join(found) if found else "the configuration is complete and its values have their kinds",
        severity="critical" if faults else "",
    )


def missing_keys(configuration: Mapping[str, Any]) -> list[str]:
    """Name the keys without which there is no site."""
    return [f"{key} is missing" for key in REQUIRED_KEYS if not configuration.get(key)]


def wrong_values(configuration: Mapping[str, Any]) -> list[str]:
    """Name the keys whose values are not of their kind; never a value."""
    known = ((key, *_KNOWN[key]) for key in sorted(configuration) if key in _KNOWN)
    return [f"{key} is not {what}" for key, fits, what in known if not fits(configuration[key])]


def misspelt_keys(configuration: Mapping[str, Any]) -> list[str]:
    """Name the keys that nobody reads and that look like one that Frappe reads."""
    unknown = (key for key in sorted(configuration) if key not in _KNOWN)
    meant = ((key, get_close_matches(key, _KNOWN, 1, SLIP_SIMILARITY)) for key in unknown)
    return [f"{key} is no setting: {matches[0]} may be meant" for key, matches in meant if matches]


@check(
    "F11",
    "config.development",
    title="Settings for development in production",
    subject="site",
    target=SiteTarget,
    measures="Settings that are on and belong on a developer's machine only",
    source="site_config.json and common_site_config.json",
    unit="count",
    warning="0",
    impact="high",
    remediation=Remediation("Take the setting out of the configuration: bench --site SITE set-config KEY 0."),
    reference="own proposal",
)
def config_development(site: SiteTarget) -> Iterator[Measurement]:
    """Look for flags of development in the configuration as Frappe reads it."""
    found = development_flags(site.merged)
    yield Measurement(
        len(found),
        text=f"on: {', '.join(found)}" if found else "no setting for development is on",
        evidence=tuple(f"{flag}: {DEVELOPMENT_FLAGS[flag]}" for flag in found),
        severity="critical" if any(flag in found for flag in SEVEREST_FLAGS) else "",
    )


def development_flags(configuration: Configuration) -> list[str]:
    """Return the flags of development that are on."""
    return [flag for flag in DEVELOPMENT_FLAGS if is_on(configuration, flag)]
