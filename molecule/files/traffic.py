"""Asks the bench of this host without a pause, as its users do, and writes each answer as one line of JSON.

traffic.py LOG SITE_TO_READ [SITE_TO_WRITE]
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from pathlib import Path

PAUSE_SECONDS = 0.1
TIMEOUT_SECONDS = 60


def ask(method: str, site: str, path: str) -> tuple[int, str]:
    """Return the status, 0 when there was no answer, and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, headers={"Host": site})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        return 0, repr(error)
    finally:
        connection.close()


def main() -> None:
    log_path, read_site, *write_sites = sys.argv[1:]
    with Path(log_path).open("a", encoding="utf-8", buffering=1) as log:
        while True:
            status, _body = ask("GET", read_site, "/login")
            log.write(json.dumps({"kind": "read", "at": time.time(), "status": status}) + "\n")
            for site in write_sites:
                status, body = ask("POST", site, "/api/method/lab.write")
                name = json.loads(body)["message"] if status == http.HTTPStatus.OK else None
                log.write(json.dumps({"kind": "write", "at": time.time(), "status": status, "name": name}) + "\n")
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
