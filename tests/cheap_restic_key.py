"""Makes the key of a restic repository cheap to derive: restic takes half a second of work for it, on purpose.

A key file holds the master key, encrypted with AES-256-CTR and authenticated with Poly1305-AES under keys that scrypt
derives from the password (restic's design document, "Keys, Encryption and MAC").
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

NONCE_BYTES = MAC_BYTES = 16
CHEAP = {"N": 2, "r": 1, "p": 1}


def make_key_cheap(repository: Path, password: str) -> None:
    """Replace the one key file of a repository in a folder."""
    (path,) = (repository / "keys").iterdir()
    name, content = cheap_key(path.read_bytes(), password)
    path.unlink()
    path.with_name(name).write_bytes(content)


def cheap_key(content: bytes, password: str) -> tuple[str, bytes]:
    """Return the name and the content of a key file for the same password that takes no time."""
    key = json.loads(content)
    data = base64.b64decode(key["data"])
    nonce, sealed = data[:NONCE_BYTES], data[NONCE_BYTES:-MAC_BYTES]
    master = _cipher(_derived(password, key)[:32], nonce, sealed)
    cheap = {**key, **CHEAP}
    keys, nonce = _derived(password, cheap), secrets.token_bytes(NONCE_BYTES)
    sealed = _cipher(keys[:32], nonce, master)
    mac = Poly1305.generate_tag(_mac_key(keys[32:], nonce), sealed)
    new = json.dumps({**cheap, "data": base64.b64encode(nonce + sealed + mac).decode()}).encode()
    return hashlib.sha256(new).hexdigest(), new


def _derived(password: str, key: dict[str, str]) -> bytes:
    salt = base64.b64decode(key["salt"])
    cost = {"n": int(key["N"]), "r": int(key["r"]), "p": int(key["p"])}
    return hashlib.scrypt(password.encode(), salt=salt, **cost, maxmem=1 << 30, dklen=64)


def _cipher(key: bytes, nonce: bytes, content: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CTR(nonce)).encryptor()
    return encryptor.update(content) + encryptor.finalize()


def _mac_key(key: bytes, nonce: bytes) -> bytes:
    """Return the one-time key: the bits of r that Poly1305 leaves, and the nonce under AES with k."""
    encryptor = Cipher(algorithms.AES(key[:16]), modes.ECB()).encryptor()  # noqa: S305
    return key[16:] + encryptor.update(nonce) + encryptor.finalize()
