"""Asking a site's web server, as a browser would."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

BODY_LIMIT_BYTES = 65536
NO_ANSWER = 0
ACCEPTED = "application/json, text/html"


@dataclass(frozen=True)
class WebAnswer:
    """What came back: ``status`` is 0 where nothing did, and ``body_start`` then says why."""

    status: int
    seconds: float
    body_start: str


def local_url(port: int) -> str:
    """Return the address of a bench's web server on this host."""
    return f"http://127.0.0.1:{port}"


def fetch(
    url: str, host: str, path: str, timeout_seconds: float = 10, headers: Mapping[str, str] | None = None
) -> WebAnswer:
    """Send one GET request; no redirect is followed.

    Args:
        url: Scheme, host and port: of the bench's own web server, or of what stands before it.
        host: The name that the site is known by there, which need not be the host of the URL.
        path: The path with its query.
        timeout_seconds: For connecting, and for each wait for data.
        headers: Further headers; they may hold a secret, so they are in no message.
    """
    started = time.monotonic()
    try:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        with closing(kind(parts.hostname or "127.0.0.1", parts.port, timeout=timeout_seconds)) as connection:
            connection.request("GET", path, headers={"Host": host, "Accept": ACCEPTED, **(headers or {})})
            response = connection.getresponse()
            status, body = response.status, response.read(BODY_LIMIT_BYTES).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        status, body = NO_ANSWER, getattr(error, "strerror", None) or type(error).__name__
    except ValueError:
        # Its text quotes the header, which may hold a secret.
        status, body = NO_ANSWER, "the address or a header of the request is not valid"
    return WebAnswer(status, round(time.monotonic() - started, 3), body)
