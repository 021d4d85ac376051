"""What becomes of the values in a site's configuration. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._bench.configuration import Configuration, is_on
from .._bench.configuration_change import chosen_values, with_exactly

MAINTENANCE_MODE = "maintenance_mode"
PAUSE_SCHEDULER = "pause_scheduler"
SWITCHES = (MAINTENANCE_MODE, PAUSE_SCHEDULER)


def switch_values(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the switches of maintenance that are in a configuration, with their exact values."""
    return chosen_values(configuration, SWITCHES)


def with_switches(configuration: Mapping[str, Any], values: Mapping[str, Any]) -> Configuration:
    """Return the configuration with exactly these switches: one that is not among the values is left out."""
    return with_exactly(configuration, SWITCHES, values)


def turned_on(configuration: Mapping[str, Any], *switches: str) -> Configuration:
    """Return the configuration with switches on; one that is on keeps its value."""
    return {**configuration, **{name: 1 for name in switches if not is_on(configuration, name)}}


def promoted_configuration(
    live: Mapping[str, Any] | None,
    from_set: Mapping[str, Any],
    database: str,
    password: str,
    switches: Mapping[str, Any],
) -> Configuration:
    """Return the configuration of a site that lives from another database.

    What belongs to the site stays as it is live: its host name, limits, domains, database server. What belongs to the
    data comes from its set: the key of its stored passwords. A replica that the site read from has the replaced
    database, so reading from it ends.

    Args:
        live: The configuration of the live site; None where it is missing or invalid, the set's is taken then.
        from_set: The configuration in the set; empty where the set has none.
        database: The database, and the account of the same name.
        password: The account's password.
        switches: The switches of maintenance as they were before the promotion.
    """
    base = dict(from_set) if live is None else dict(live)
    configuration = with_switches({"db_type": "mariadb", **base}, switches)
    configuration.update(db_name=database, db_password=password)
    if "db_user" in base:
        configuration["db_user"] = database
    if "read_from_replica" in base:
        configuration["read_from_replica"] = 0
    if from_set.get("encryption_key"):
        configuration["encryption_key"] = from_set["encryption_key"]
    if from_set.get("backup_encryption_key"):
        configuration.setdefault("backup_encryption_key", from_set["backup_encryption_key"])
    return configuration
