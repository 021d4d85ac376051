"""An nginx of its own in a folder, in front of a bench's web server."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType

from .processes import free_port, listens, start_child, stop_child, wait_until

# Where Debian puts it, which is not on everybody's PATH.
SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")
CONFIGURATION = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 2;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/bench.conf;
}}
"""
# As `bench setup nginx` writes it, but for what serves files.
BENCH_CONFIGURATION = """\
upstream frappe-bench-frappe {{
    server 127.0.0.1:{web_port} fail_timeout=0;
}}

server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_http_version 1.1;
        proxy_set_header X-Frappe-Site-Name $host;
        proxy_set_header Host $host;
        proxy_read_timeout 120;
        proxy_redirect off;
        proxy_pass http://frappe-bench-frappe;
    }}
}}
"""


class NginxServer:
    """``with NginxServer(folder, lab.web_port) as nginx: nginx.port``."""

    def __init__(self, folder: Path, web_port: int) -> None:
        self.folder = folder
        self.port = free_port()
        self.bench_configuration = folder / "bench.conf"
        self._web_port = web_port
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> NginxServer:
        self.folder.mkdir(parents=True)
        self.bench_configuration.write_text(BENCH_CONFIGURATION.format(web_port=self._web_port, port=self.port))
        (self.folder / "nginx.conf").write_text(CONFIGURATION.format(folder=self.folder))
        program = shutil.which("nginx", path=os.pathsep.join([os.environ.get("PATH", ""), *SYSTEM_FOLDERS]))
        if program is None:
            raise RuntimeError("nginx is not installed")
        log = self.folder / "output.log"
        command = [program, "-e", str(self.folder / "error.log"), "-c", str(self.folder / "nginx.conf")]
        self._process = start_child(command, log, end_signal="TERM")
        wait_until(lambda: listens(self.port), f"nginx (see {log})", self._process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            stop_child(self._process)
