"""Breaks a host in the ways that an audit should see, and mends it again; each fault says which check sees it.

faults.py inject | mend | certificate DAYS_LEFT
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

BENCH = Path("/home/frappe/frappe-bench")
SITES = ("alpha.localhost", "beta.localhost")
SITE = BENCH / "sites" / SITES[0]
CERTIFICATE = Path("/etc/nginx/site.pem")
TLS_SERVER = Path("/etc/nginx/conf.d/tls.conf")
TLS_CONFIGURATION = f"server {{ listen 443 ssl; ssl_certificate {CERTIFICATE}; ssl_certificate_key {CERTIFICATE}; }}\n"
FORGOTTEN_SECONDS = 13 * 3600
MISSED_BACKUPS = timedelta(days=3)
BACKUP_TIME = "%Y%m%d_%H%M%S"
UNUSUAL_ERRORS = 40


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong on a host, the check that sees it, and how it is mended."""

    check: str
    inject: Callable[[], None]
    mend: Callable[[], None]


def run(*command: str, given: str = "", is_success_needed: bool = True) -> None:
    subprocess.run(command, check=is_success_needed, input=given, stdout=subprocess.DEVNULL, encoding="utf-8")


def query(statement: str) -> Callable[[], None]:
    return lambda: run("mariadb", "--execute", statement)


def command(*arguments: str) -> Callable[[], None]:
    return lambda: run(*arguments)


def serve_certificate(days_left: int) -> None:
    """Have nginx serve the site with a certificate that was issued 80 days ago and ends in some days, or ended."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, SITE.name)])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=80))
        .not_valid_after(now + timedelta(days=days_left))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in SITES]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    CERTIFICATE.touch(mode=0o600)
    CERTIFICATE.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    TLS_SERVER.write_text(TLS_CONFIGURATION, encoding="utf-8")
    run("systemctl", "reload", "nginx")


def fail_a_unit() -> None:
    run("systemd-run", "--quiet", "--wait", "--unit=nightly-export", "/bin/false", is_success_needed=False)


def forget_the_maintenance(*, is_on: bool) -> None:
    path = SITE / "site_config.json"
    configuration = json.loads(path.read_text(encoding="utf-8"))
    configuration["maintenance_mode"] = int(is_on)
    path.write_text(json.dumps(configuration, indent=1), encoding="utf-8")
    since = time.time() - FORGOTTEN_SECONDS
    os.utime(path, (since, since))


def move_backups(difference: timedelta) -> None:
    """Give the site's backups the names and times that they would have, had they been made at another time."""
    for path in (SITE / "private" / "backups").iterdir():
        made, _dash, rest = path.name.partition("-")
        moved = datetime.strptime(made, BACKUP_TIME) + difference  # noqa: DTZ007
        os.utime(path, times=(path.stat().st_mtime + difference.total_seconds(),) * 2)
        path.rename(path.with_name(f"{moved:{BACKUP_TIME}}-{rest}"))


def write_errors() -> None:
    run("logger", "--priority=user.err", "--tag=nightly-export", given="cannot export\n" * UNUSUAL_ERRORS)


def clear_journal() -> None:
    run("journalctl", "--quiet", "--rotate")
    run("journalctl", "--quiet", "--vacuum-time=1us")


FAULTS_OF_THE_BENCH = (
    Fault(
        "Q01",
        command("supervisorctl", "stop", "frappe-bench-workers:"),
        command("supervisorctl", "start", "frappe-bench-workers:"),
    ),
    Fault("H14", fail_a_unit, command("systemctl", "reset-failed", "nightly-export.service")),
    Fault(
        "H15",
        command("systemctl", "stop", "dpkg-db-backup.timer"),
        command("systemctl", "start", "dpkg-db-backup.timer"),
    ),
    Fault("H23", write_errors, clear_journal),
    Fault("F12", lambda: forget_the_maintenance(is_on=True), lambda: forget_the_maintenance(is_on=False)),
    Fault("B01", lambda: move_backups(-MISSED_BACKUPS), lambda: move_backups(MISSED_BACKUPS)),
    Fault("W02", lambda: serve_certificate(-1), lambda: serve_certificate(60)),
)
FAULTS_OF_THE_DATABASE = (
    Fault("S01", query("CREATE USER intruder@'%'"), query("DROP USER intruder@'%'")),
    Fault(
        "D33",
        query("SET GLOBAL innodb_flush_log_at_trx_commit = 0"),
        query("SET GLOBAL innodb_flush_log_at_trx_commit = 1"),
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("inject", "mend", "certificate"))
    parser.add_argument("days_left", type=int, nargs="?", help="of the certificate")
    arguments = parser.parse_args()
    if arguments.step == "certificate":
        serve_certificate(arguments.days_left)
        return
    for fault in FAULTS_OF_THE_BENCH if BENCH.is_dir() else FAULTS_OF_THE_DATABASE:
        print(fault.check)
        getattr(fault, arguments.step)()


if __name__ == "__main__":
    main()
