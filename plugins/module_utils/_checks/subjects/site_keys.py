"""Check of the key that seals a site's passwords. It is looked for in the file: Frappe would make a missing one."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Sequence

from ..._recovery.database_proof import FERNET_KEY_BYTES, SECRETS_TRIED, opens
from ..registry import Measurement, Remediation, check
from ..targets.site import SiteTarget

FINGERPRINT_CHARACTERS = 16


@check(
    "F02",
    "encryption_key.opens",
    title="Key of the stored passwords",
    subject="site",
    target=SiteTarget,
    measures="Stored passwords that the site's encryption_key does not open, of the first hundred",
    source="site_config.json and the table __Auth",
    unit="count",
    warning="0",
    impact="critical",
    remediation=Remediation(
        "Put the encryption_key of an older site_config.json, or of a set's site_config_backup.json, back. Do not let "
        "Frappe make another one: what the old key sealed is lost then, and must be entered again."
    ),
    reference="own proposal, after the note on encryption keys in Frappe's documentation",
)
def encryption_key(site: SiteTarget) -> Iterator[Measurement]:
    """Prove that the key is the one with which the passwords were sealed, and the same as at the last run."""
    key = str(site.merged.get("encryption_key") or "")
    fingerprint = hashlib.sha256(key.encode()).hexdigest()[:FINGERPRINT_CHARACTERS] if key else "none"
    sealed = [
        str(password)
        for (password,) in site.query(
            "SELECT password FROM `__Auth` WHERE encrypted = 1 ORDER BY doctype, name, fieldname LIMIT %s",
            (SECRETS_TRIED,),
        )
    ]
    locked = sum(not opens(token, key) for token in sealed)
    text, severity = _verdict(key, sealed, locked)
    known = site.surroundings.history.fact("F02", site.name)
    if not severity and known not in {"", fingerprint}:
        text, severity = f"the key is another one than at the last run; {text}", "warning"
    yield Measurement(locked, text=text, severity=severity, fact=fingerprint)


def _verdict(key: str, sealed: Sequence[str], locked: int) -> tuple[str, str]:
    """Say what was found, and the severity where the number alone does not tell."""
    if not key and not sealed:
        return "there is no key yet, and nothing that one sealed", ""
    if not key:
        return f"the key is missing, and {len(sealed)} stored passwords need it", "critical"
    if not _is_key(key):
        return "the key is damaged: it is not 32 bytes in base64", "critical"
    if sealed and locked == len(sealed):
        return f"the key is a wrong one: it opens none of the {len(sealed)} stored passwords", "critical"
    if locked:
        return f"{locked} of {len(sealed)} stored passwords were sealed with another key", ""
    return f"the key opens all {len(sealed)} stored passwords that were tried", ""


def _is_key(key: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(key)) == FERNET_KEY_BYTES
    except (ValueError, binascii.Error):
        return False
