"""Sites that do not answer, certificates that expire or are another's, web servers that fail."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.host import HOST_NAME, Host
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.targets.target import Settings
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.check_runs import UNHURRIED, run_one
from tests.fake_host import UP_SECONDS, FakeHost
from tests.lab.processes import free_port

SITE = "alpha.localhost"


def look(check_id, target):
    return run_one(check_id, target, thresholds=UNHURRIED)[0]


@pytest.mark.check("W01")
def test_a_site_that_does_not_answer(lab, site_target):
    assert look("W01", site_target(SITE)).severity == "ok"
    configuration = lab.site_path(SITE) / "site_config.json"
    before = configuration.read_text()
    configuration.write_text(json.dumps({**json.loads(before), "maintenance_mode": 1}))
    found = look("W01", site_target(SITE))
    assert (found.severity, found.text) == ("critical", "status 503: the site is in maintenance, or being updated")
    configuration.write_text(before)
    assert look("W01", site_target(SITE)).severity == "ok"
    lab.supervisorctl("stop", "all")
    assert look("W01", site_target(SITE)).text.startswith("nothing answers")
    assert look("W06", site_target(SITE).bench).severity == "critical"
    lab.supervisorctl("start", "all")


@pytest.mark.check("W06")
def test_a_bench_that_takes_no_connections(lab, bench_target):
    """A socket that nobody accepts from, on the port that the bench is configured to have."""
    port = free_port()
    common = lab.sites_path / "common_site_config.json"
    before = common.read_text()
    with socket.create_server(("127.0.0.1", port), backlog=64) as busy:
        common.write_text(json.dumps({**json.loads(before), "webserver_port": port}))
        assert look("W06", bench_target()).severity == "ok"
        waiting = [socket.create_connection(("127.0.0.1", port)) for _number in range(6)]
        found = look("W06", bench_target())
        assert (found.severity, found.value) == ("warning", 6)
        for connection in waiting:
            connection.close()
            busy.accept()[0].close()
        assert look("W06", bench_target()).severity == "ok"
    assert look("W06", bench_target()).severity == "critical"
    common.write_text(before)


class Certificates:
    """Issues certificates for the test's TLS server."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "site.pem"

    def issue(self, name: str, age_days: float, left_days: float) -> None:
        """Write a self-signed certificate and its key."""
        now = datetime.now(timezone.utc)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        certificate = (
            x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=age_days))
            .not_valid_after(now + timedelta(days=left_days))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)

    @contextmanager
    def served(self) -> Iterator[Settings]:
        """Serve what was issued last, with a new context for each connection as after a reload."""
        with socket.create_server(("127.0.0.1", 0)) as server:

            def serve() -> None:
                while True:
                    try:
                        connection, _address = server.accept()
                    except OSError:
                        return
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(self.path)
                    with connection, context.wrap_socket(connection, server_side=True) as encrypted:
                        encrypted.recv(1)

            threading.Thread(target=serve, daemon=True).start()
            yield Settings(tls_port=server.getsockname()[1])
            server.shutdown(socket.SHUT_RDWR)


@pytest.mark.check("W02")
def test_a_certificate_that_expires(site_target, tmp_path):
    assert look("W02", site_target(SITE, settings=Settings(tls_port=free_port()))).severity == "skipped"
    certificates = Certificates(tmp_path)
    cases = {
        (10, 80): "ok",
        (71, 19): "warning",
        (88, 2): "critical",
        (90, -1): "critical",
        (3, 3.2): "ok",  # one that lives for six days is renewed late
        (4.5, 1.5): "warning",
        (5.5, 0.5): "critical",
        (10, 85): "ok",
    }
    certificates.issue(SITE, 1, 1)
    with certificates.served() as settings:
        for (age_days, left_days), severity in cases.items():
            certificates.issue(SITE, age_days, left_days)
            found = look("W02", site_target(SITE, settings=settings))
            assert found.severity == severity, (age_days, left_days, found.text)


@pytest.mark.check("W03")
def test_a_certificate_of_another_site_or_before_the_last_renewal(site_target, tmp_path):
    certificates = Certificates(tmp_path)
    certificates.issue("beta.localhost", 1, 80)
    root = tmp_path / "root"
    on_disk = root / "etc" / "ssl" / "site.pem"
    on_disk.parent.mkdir(parents=True)
    with certificates.served() as settings:
        assert look("W03", site_target(SITE, settings=settings)).severity == "critical"
        certificates.issue(SITE, 1, 80)
        assert look("W03", site_target(SITE, settings=settings)).severity == "ok"
        site = root / "etc" / "nginx" / "sites-enabled" / "bench"
        site.parent.mkdir(parents=True)
        site.write_text("server {\n  ssl_certificate /etc/ssl/site.pem;\n}\n")
        on_disk.write_bytes(certificates.path.read_bytes())
        assert look("W03", site_target(SITE, settings=settings, root=root)).severity == "ok"
        certificates.issue(SITE, 0, 85)
        found = look("W03", site_target(SITE, settings=settings, root=root))
        assert (found.severity, found.text) == (
            "warning",
            "the served certificate is not the one on the disk: a reload was missed",
        )


@pytest.fixture
def fake_host(tmp_path: Path) -> FakeHost:
    """A host with nginx; that this machine could run one is left to the containers of Molecule."""
    host = FakeHost(tmp_path / "host")
    host.write("/etc/nginx/nginx.conf", "http { access_log /var/log/nginx/sites.log main; }\n", age_seconds=UP_SECONDS)
    host.process(10, "nginx: master process /usr/sbin/nginx -g daemon on;")
    worker = host.process(11, "nginx: worker process")
    (worker / "stat").write_text("11 (nginx) S 10 " + "0 " * 17 + "100000 0")
    return host


def host_target(host: FakeHost) -> Host:
    return Host(HOST_NAME, host.surroundings)


@pytest.mark.check("W04")
def test_a_configuration_that_waits_for_a_reload(fake_host):
    assert look("W04", host_target(fake_host)).severity == "ok"
    fake_host.write("/etc/nginx/conf.d/bench.conf", "server {}\n", age_seconds=700)
    assert look("W04", host_target(fake_host)).severity == "warning"
    fresh = fake_host.root / "proc" / "11" / "stat"
    fresh.write_text("11 (nginx) S 10 " + "0 " * 17 + f"{(UP_SECONDS - 1) * 100:.0f} 0")
    assert look("W04", host_target(fake_host)).severity == "ok"
    for pid in (10, 11):
        (fake_host.root / "proc" / str(pid) / "cmdline").write_text("")
    assert look("W04", host_target(fake_host)).severity == "critical"
    assert look("W04", Host(HOST_NAME, replace(fake_host.surroundings, root=fake_host.root / "proc"))).severity == (
        "skipped"
    )


@pytest.mark.check("W05")
def test_requests_that_fail(fake_host):
    def log(*statuses):
        line = '10.0.0.9 - - [21/Nov/2026:03:15:22 +0000] "GET /app HTTP/1.1" {} 512 "-" "browser"\n'
        fake_host.write("/var/log/nginx/sites.log", "".join(line.format(status) for status in statuses))

    log(*[200] * 10)
    assert look("W05", host_target(fake_host)).severity == "skipped"
    for failed, severity in ((0, "ok"), (2, "warning"), (6, "critical"), (1, "ok")):
        log(*[200] * (100 - failed), *[502] * failed)
        found = look("W05", host_target(fake_host))
        assert (found.severity, found.value, found.item) == (severity, failed, "/var/log/nginx/sites.log")
