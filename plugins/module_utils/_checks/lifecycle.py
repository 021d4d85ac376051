"""Until when the makers of what a bench runs on mend it; what is not in these tables is unknown, never fine."""

from __future__ import annotations

import re
from datetime import date

# The day as of which the tables were written; each names where its dates are published.
TABLE_DATE = date(2026, 11, 21)

_TABLES: dict[str, dict[str, date]] = {
    # mariadb.org, maintenance policy of the community server.
    "mariadb": {
        "10.3": date(2023, 5, 25),
        "10.4": date(2024, 6, 18),
        "10.5": date(2025, 6, 24),
        "10.6": date(2026, 7, 6),
        "10.7": date(2023, 2, 14),
        "10.8": date(2023, 5, 20),
        "10.9": date(2023, 8, 22),
        "10.10": date(2023, 11, 17),
        "10.11": date(2028, 2, 16),
        "11.0": date(2024, 6, 6),
        "11.1": date(2024, 8, 21),
        "11.2": date(2024, 11, 21),
        "11.3": date(2024, 5, 29),
        "11.4": date(2029, 5, 29),
        "11.5": date(2024, 11, 21),
        "11.6": date(2025, 2, 13),
        "11.7": date(2025, 5, 12),
        "11.8": date(2028, 6, 4),
        "12.0": date(2025, 11, 18),
        "12.1": date(2026, 2, 13),
        "12.2": date(2026, 5, 13),
        "12.3": date(2029, 6, 30),
    },
    # redis.io, product lifecycle, by way of endoflife.date; distributions may mend their own package for longer.
    "redis": {
        "5.0": date(2022, 4, 27),
        "6.0": date(2023, 8, 15),
        "6.2": date(2025, 2, 28),
        "7.0": date(2024, 7, 29),
        "7.2": date(2026, 2, 28),
        "7.4": date(2026, 11, 30),
    },
    # valkey.io, release support policy: three years after the first release of a series.
    "valkey": {
        "7.2": date(2027, 4, 16),
        "8.0": date(2027, 9, 15),
        "8.1": date(2028, 3, 31),
        "9.0": date(2028, 10, 21),
    },
    # devguide.python.org, status of Python versions.
    "python": {
        "3.8": date(2024, 10, 7),
        "3.9": date(2025, 10, 31),
        "3.10": date(2026, 10, 31),
        "3.11": date(2027, 10, 31),
        "3.12": date(2028, 10, 31),
        "3.13": date(2029, 10, 31),
        "3.14": date(2030, 10, 31),
    },
    # wiki.debian.org/LTS: the end of long term support, up to which there are security updates for everybody.
    "debian": {
        "9": date(2022, 6, 30),
        "10": date(2024, 6, 30),
        "11": date(2026, 8, 31),
        "12": date(2028, 6, 30),
        "13": date(2030, 6, 30),
    },
    # ubuntu.com/about/release-cycle: the end of standard support, without a subscription.
    "ubuntu": {
        "18.04": date(2023, 5, 31),
        "20.04": date(2025, 5, 31),
        "22.04": date(2027, 4, 30),
        "24.04": date(2029, 4, 30),
        "26.04": date(2031, 4, 30),
    },
    # Frappe's wiki, "Supported Versions": the ends of years are meant.
    "frappe": {
        "13": date(2023, 12, 31),
        "14": date(2025, 12, 31),
        "15": date(2027, 12, 31),
        "16": date(2029, 12, 31),
    },
    # ERPNext's versions live as long as those of Frappe that they need.
    "erpnext": {
        "13": date(2023, 12, 31),
        "14": date(2025, 12, 31),
        "15": date(2027, 12, 31),
        "16": date(2029, 12, 31),
    },
    # The release schedule of Node.js (schedule.json of its Release working group).
    "node": {
        "14": date(2023, 4, 30),
        "16": date(2023, 9, 11),
        "18": date(2025, 4, 30),
        "20": date(2026, 4, 30),
        "22": date(2027, 4, 30),
        "24": date(2028, 4, 30),
    },
}

_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


def release_cycle(product: str, version: str) -> str:
    """Return the entry of the product's table that a version belongs to, or an empty text.

    Args:
        product: ``mariadb``, ``redis``, ``valkey``, ``python``, ``debian``, ``ubuntu``, ``frappe``, ``erpnext`` or
            ``node``.
        version: The version as the product writes it, for example ``10.11.19-MariaDB-log`` or ``v20.11.0``.
    """
    table = _TABLES.get(product, {})
    found = _NUMBERS.search(version)
    parts = found.group().split(".") if found else []
    candidates = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((candidate for candidate in candidates if candidate in table), "")


def end_of_life(product: str, version: str) -> date | None:
    """Return the last day on which the makers mend this version; None where the tables do not know it."""
    return _TABLES.get(product, {}).get(release_cycle(product, version))
