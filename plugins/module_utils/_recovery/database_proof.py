"""Proving a staged database: it is what the set holds, it is a site, and the site's key opens its secrets."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Any

from .._mariadb.connection import fetch_all
from .._mariadb.identifiers import quote_identifier
from .._mariadb.load_target import ROWS_OF_DUMP, ROWS_OF_MANIFEST, LoadResult
from .._mariadb.server import list_tables
from .._system.errors import LifeboatError

if TYPE_CHECKING:
    from pymysql.connections import Connection

# Tables that every Frappe site has; without a row in the first two nobody can log in and nothing is set up.
FILLED_TABLES = ("__Auth", "tabDefaultValue")
PRESENT_TABLES = ("tabInstalled Application", "tabDocType")
# Old secrets may be sealed with a key that the site no longer has; one that opens proves the key.
SECRETS_TRIED = 100

FERNET_KEY_BYTES = 32
FERNET_SIGNING_BYTES = 16
FERNET_MAC_BYTES = 32
FERNET_SHORTEST_TOKEN_BYTES = 73  # version, time, initialisation vector, one block, check sum

SECRET_OPENS = "opens"  # noqa: S105
SECRET_ABSENT = "no secret is stored"  # noqa: S105
SECRET_LOCKED = "no key is known"  # noqa: S105


def opens(token: str, key: str) -> bool:
    """Tell whether a Fernet token was made with a key, without needing the cryptography library.

    A Fernet key is 16 bytes to sign with and 16 to encrypt with; the token ends with the HMAC-SHA256 of all before it.
    The HMAC cannot be right with another key, so a right one proves that the key decrypts the token; only the
    decryption itself, which cannot fail then, is left out.

    Args:
        token: What Frappe stores, in URL-safe base64.
        key: The site's ``encryption_key``, in URL-safe base64.
    """
    try:
        raw_key, raw_token = base64.urlsafe_b64decode(key), base64.urlsafe_b64decode(token)
    except (ValueError, binascii.Error):
        return False
    if len(raw_key) != FERNET_KEY_BYTES or len(raw_token) < FERNET_SHORTEST_TOKEN_BYTES:
        return False
    signed, mac = raw_token[:-FERNET_MAC_BYTES], raw_token[-FERNET_MAC_BYTES:]
    return hmac.compare_digest(hmac.new(raw_key[:FERNET_SIGNING_BYTES], signed, hashlib.sha256).digest(), mac)


def prove_database(
    connection: Connection[Any], database: str, loaded: LoadResult, encryption_key: str | None
) -> dict[str, Any]:
    """Prove a database that was just loaded. The load has counted every table already, hence has read it to its end.

    Args:
        connection: An administrator's connection.
        database: The staging database.
        loaded: What the load counted.
        encryption_key: The key that the promoted site will have, or None when no key is known.

    Returns:
        What was proven, for the report.

    Raises:
        LifeboatError: ``proof_failed``, with what to do.
    """
    tables = list_tables(connection, database)
    if sorted(loaded.rows) != sorted(tables):
        raise _failed(
            database,
            f"it has {len(tables)} tables, the set has {len(loaded.rows)}",
            "Look whether something else writes to it.",
        )
    for table in (*FILLED_TABLES, *PRESENT_TABLES):
        if table not in loaded.rows:
            raise _failed(database, f"the table {table} is missing", "Choose the set of a Frappe site.")
    for table in FILLED_TABLES:
        if not loaded.rows[table]:
            raise _failed(database, f"the table {table} has no row", "Choose an older set.")
    return {
        "completion_line": loaded.rows_known_from == ROWS_OF_DUMP,
        "hashed_files": loaded.hashed_files,
        "tables": len(tables),
        "rows": sum(loaded.rows.values()),
        "rows_equal_to_dump": loaded.rows_known_from == ROWS_OF_DUMP,
        "rows_equal_to_manifest": loaded.rows_known_from == ROWS_OF_MANIFEST,
        "sequences": loaded.sequences,
        "views": loaded.views,
        "triggers": loaded.triggers,
        "installed_applications": loaded.rows["tabInstalled Application"],
        "stored_secret": prove_key(connection, database, encryption_key),
    }


def prove_key(connection: Connection[Any], database: str, encryption_key: str | None) -> str:
    """Prove that a stored secret opens with a key.

    Returns:
        Which of ``SECRET_OPENS``, ``SECRET_ABSENT``, ``SECRET_LOCKED`` it is.

    Raises:
        LifeboatError: ``proof_failed`` when there are secrets and the key opens none of them.
    """
    rows = fetch_all(
        connection,
        f"SELECT password FROM {quote_identifier(database)}.`__Auth` WHERE encrypted = 1 LIMIT {SECRETS_TRIED}",  # noqa: S608
    )
    if not rows:
        return SECRET_ABSENT
    if not encryption_key:
        return SECRET_LOCKED
    if any(opens(str(row[0]), encryption_key) for row in rows):
        return SECRET_OPENS
    raise _failed(
        database,
        "the encryption_key that the site will have opens none of its stored secrets",
        "Put the site_config_backup.json of the same backup run beside the dump. When that key is lost for good, "
        "remove encryption_key from both configurations: then the site is recovered, and stored passwords must be set "
        "again.",
    )


def _failed(database: str, what: str, advice: str) -> LifeboatError:
    return LifeboatError(
        f"The staged database {database} is not proven: {what}. It must not go live and is dropped; the live site was "
        f"not touched. {advice}",
        "proof_failed",
        {"database": database},
    )
