"""A small S3 service for one bucket on a loopback port: enough for restic, and it remembers who asked."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

CREDENTIAL = re.compile(r"Credential=([^/]+)/")
MODIFIED = formatdate(0, usegmt=True)


class S3Server(ThreadingHTTPServer):
    """Holds the objects of its bucket in memory.

    Attributes:
        objects: Content by key; None before the bucket was made.
        key_ids: The access keys that requests were signed with; "" for one that was not signed.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] | None = None
        self.key_ids: set[str] = set()

    @property
    def address(self) -> str:
        """How restic calls the bucket."""
        return f"s3:http://127.0.0.1:{self.server_port}/bucket"


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Serve until the block ends."""
    with S3Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: S3Server

    def do_HEAD(self) -> None:
        self._get(with_content=False)

    def do_GET(self) -> None:
        self._get(with_content=True)

    def do_PUT(self) -> None:
        content = self._content()
        if not self._key:
            self.server.objects = {}
        elif self.server.objects is not None:
            self.server.objects[self._key] = content
        self._answer(HTTPStatus.OK, headers={"ETag": _etag(content)})

    def do_DELETE(self) -> None:
        (self.server.objects or {}).pop(self._key, None)
        self._answer(HTTPStatus.NO_CONTENT)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/bucket").lstrip("/")

    def _content(self) -> bytes:
        """Return the body; one that is signed piece by piece without what is around the pieces."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.headers.get("X-Amz-Content-Sha256", "").startswith("STREAMING"):
            return body
        content = b""
        while body:
            head, _separator, body = body.partition(b"\r\n")
            size = int(head.partition(b";")[0], 16)
            content, body = content + body[:size], body[size + 2 :]
        return content

    def _get(self, with_content: bool) -> None:
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        if "location" in query:
            self._answer(HTTPStatus.OK, b"<LocationConstraint></LocationConstraint>")
        elif self.server.objects is None:
            self._answer(HTTPStatus.NOT_FOUND, b"<Error><Code>NoSuchBucket</Code></Error>" if with_content else b"")
        elif "list-type" in query:
            self._answer(HTTPStatus.OK, self._listing(query["prefix"][0]))
        elif not self._key:
            self._answer(HTTPStatus.OK)
        elif self._key in self.server.objects:
            self._answer_object(self.server.objects[self._key], with_content)
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"<Error><Code>NoSuchKey</Code></Error>" if with_content else b"")

    def _listing(self, prefix: str) -> bytes:
        entries = [
            f"<Contents><Key>{key}</Key><LastModified>1970-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>{_etag(content)}</ETag><Size>{len(content)}</Size></Contents>"
            for key, content in sorted((self.server.objects or {}).items())
            if key.startswith(prefix)
        ]
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{''.join(entries)}</ListBucketResult>".encode()

    def _answer_object(self, content: bytes, with_content: bool) -> None:
        headers = {"ETag": _etag(content), "Last-Modified": MODIFIED}
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if not part:
            self._answer(HTTPStatus.OK, content, headers, with_content=with_content)
            return
        first, last = int(part[1]), int(part[2] or len(content) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        self._answer(HTTPStatus.PARTIAL_CONTENT, content[first : last + 1], headers, with_content=with_content)

    def _answer(
        self,
        status: HTTPStatus,
        content: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        with_content: bool = True,
    ) -> None:
        signed = CREDENTIAL.search(self.headers.get("Authorization", ""))
        self.server.key_ids.add(signed[1] if signed else "")
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_content:
            self.wfile.write(content)


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
