"""Advice that follows from what a recovery saw. Each rule looks at the record and says something, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._backups.sets import FROM_MANIFEST
from .._system.quantities import DAY_SECONDS

LONG_DATA_LOSS_SECONDS = DAY_SECONDS
# Frappe runs scheduled jobs at most once a day on a site without an Activity Log entry for dormant_days (default 4).
DORMANT_SECONDS = 4 * DAY_SECONDS
# The check that says what replicas get of the load; it is made where some follow.
REPLICAS_CHECK = "replicas"


def recommend(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return ``{text, because}`` for everything that this recovery showed to be worth doing, most urgent first.

    Args:
        record: The record of the recovery, complete but for its recommendations.
    """
    rules = (_failed_verification, _skipped_sets, _data_loss, _set_contents, _damage, _jobs, _checks, _base)
    return [{"text": text, "because": because} for rule in rules for text, because in rule(record)]


def _failed_verification(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for result in record["verification"]:
        if result["outcome"] == "failed":
            yield f"Find out why {result['name']} does not work.", str(result["reason"])
        elif result["outcome"] == "skipped" and result["name"] == "job":
            yield "Start the workers of the bench and see a job finish.", str(result["reason"])
    login = [result for result in record["verification"] if result["name"] == "login"]
    if login and all(result["outcome"] == "skipped" for result in login):
        yield "Start the web server of the bench and open the site.", str(login[0]["reason"])


def _skipped_sets(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for skipped in record["set"].get("skipped", []):
        yield "Look at the job that makes the backups.", f"{skipped['name']} could not be used: {skipped['reason']}"


def _data_loss(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    seconds = record["rpo_seconds"]
    if seconds is None:
        return
    if seconds > LONG_DATA_LOSS_SECONDS:
        yield "Back up more often.", f"The newest usable backup was {seconds / 3600:.0f} hours old."
    if seconds > DORMANT_SECONDS and record["outcome"] == "recovered":
        yield (
            "Log in to the site once.",
            "Its newest activity is more than four days old, so Frappe's scheduler treats it as dormant.",
        )


def _set_contents(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    backup = record["set"]
    if backup.get("missing_kinds"):
        yield (
            "Back up with files (bench backup --with-files).",
            f"The set had no {', '.join(kind.replace('_', ' ') for kind in backup['missing_kinds'])}.",
        )
    if backup.get("insecure_permissions"):
        yield (
            "Make the backups unreadable for others (chmod 0640, folder 0750).",
            f"{len(backup['insecure_permissions'])} artifacts of the set can be read by every account of the host.",
        )
    if backup.get("encrypted") and backup.get("recovery_point_source") != FROM_MANIFEST:
        yield (
            "Keep the configuration with its backup_encryption_key in another place than the encrypted artifacts.",
            "Frappe writes the configuration of an encrypted set unencrypted beside the data that it opens.",
        )


def _damage(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for lost in record["not_recovered"]:
        yield "Look for these in an older set or with their owners.", str(lost)


def _jobs(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    running = (record["drained"] or {}).get("still_running", [])
    if running:
        names = ", ".join(job["job"] for job in running[:5])
        yield (
            "Run these jobs again if they matter.",
            f"{len(running)} were still running when the site was switched: {names}",
        )


def _checks(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for check in record["checks"]:
        if check["outcome"] == "warning" and check["name"] != REPLICAS_CHECK:
            yield f"Settle the warning about {check['name']}.", check["text"]
    if record["replaced"]["maintenance_mode"] and record["outcome"] == "recovered":
        yield (
            f"End maintenance when you are satisfied: bench --site {record['site']} set-maintenance-mode off, or bench "
            "set-config -g maintenance_mode 0 where the whole bench was put into it.",
            "The site was in maintenance mode before the recovery, so it still is.",
        )


def _base(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if record["outcome"] == "recovered":
        yield (
            "Take a new backup now.",
            "The site lives in a new database; every set that exists is from before the recovery.",
        )
    if record["binary_log"] == "skipped" and any(check["name"] == REPLICAS_CHECK for check in record["checks"]):
        yield (
            "Seed the replicas of this server again.",
            "The load was kept out of the binary log, so they do not have it.",
        )
