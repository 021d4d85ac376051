"""Users who never stop writing, and remember which of their writes were acknowledged."""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pymysql
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from .background import Background
from .lab import Lab

if TYPE_CHECKING:
    from pymysql.connections import Connection

INTERVAL_SECONDS = 0.02
TIMEOUT_SECONDS = 60.0
MARK = "written by the lab's writer"


@dataclass(frozen=True)
class Write:
    """A row of ``tabToDo`` that was acknowledged: its name, and the Unix time of the acknowledgement."""

    name: str
    acknowledged_at: float


class Writer(Background):
    """Writes through the application, or with ``directly`` over a connection that it keeps as long as it works.

    The second kind is what a stale process does: it reads the site's configuration again only when it is refused.
    ``port`` is that of what stands before the application, where something does.
    """

    def __init__(
        self,
        lab: Lab,
        site: str,
        *,
        directly: bool = False,
        interval_seconds: float = INTERVAL_SECONDS,
        port: int | None = None,
    ) -> None:
        super().__init__(f"writer {site}")
        self._port = port or lab.web_port
        self.interval_seconds = interval_seconds
        self.lab = lab
        self.site = site
        self.acknowledged: list[Write] = []
        self.refused_at: list[float] = []
        self._write = self._write_directly if directly else self._write_through_application
        self._connection: Connection[Any] | None = None

    def acknowledged_since(self, moment: float) -> list[str]:
        """The names of the rows that were acknowledged after a Unix time."""
        return [write.name for write in self.acknowledged if write.acknowledged_at > moment]

    def _run(self) -> None:
        while not self._ending.wait(self.interval_seconds):
            self._write_once()
        self._disconnect()

    def _write_once(self) -> None:
        try:
            name = self._write()
        except (OSError, ValueError, http.client.HTTPException, pymysql.MySQLError, LifeboatError):
            self._disconnect()
            self.refused_at.append(time.time())
        else:
            self.acknowledged.append(Write(name, time.time()))

    def _write_through_application(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
        with contextlib.closing(connection):
            headers = {"Host": self.site, "Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", "/api/method/lab.write", urlencode({"description": MARK}), headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.client.OK:
                raise ValueError(f"status {answer.status}")
            return str(json.loads(body)["message"])

    def _write_directly(self) -> str:
        if self._connection is None:
            self._connection = self.lab.connect(self.site)
        name = secrets.token_hex(5)
        execute(
            self._connection,
            "INSERT INTO tabToDo (name, creation, modified, owner, status, description) "
            "VALUES (%s, NOW(6), NOW(6), 'Guest', 'Open', %s)",
            (name, MARK),
        )
        return name

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(pymysql.MySQLError):
                self._connection.close()
            self._connection = None
