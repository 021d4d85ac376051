"""The certificates with which the sites of this host are served."""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass

from ..._system.commands import CommandRunner
from ..._system.quantities import DAY_SECONDS, duration_text
from ..nginx import certificates
from ..registry import Measurement, NotApplicableError, Remediation, UnmeasurableError, check
from ..targets.site import SiteTarget

# Whichever is less: days, or a share of the certificate's whole life, as short-lived certificates renew late.
WARNING_DAYS, WARNING_SHARE = 20, 3
CRITICAL_DAYS, CRITICAL_SHARE = 3, 10


@dataclass(frozen=True)
class Certificate:
    """When a served certificate is valid, in Unix time, and for which site it was asked."""

    pem: str
    not_before_seconds: float
    not_after_seconds: float
    covers_site: bool


def _served(target: SiteTarget) -> str:
    """Return the certificate that is served for a site, in PEM, whoever signed it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    port = target.surroundings.settings.tls_port
    try:
        with (
            socket.create_connection(("127.0.0.1", port), target.surroundings.patience.answer_seconds) as plain,
            context.wrap_socket(plain, server_hostname=target.name) as encrypted,
        ):
            return ssl.DER_cert_to_PEM_cert(encrypted.getpeercert(binary_form=True) or b"")
    except ConnectionRefusedError:
        raise NotApplicableError(f"nothing listens on port {port}") from None
    except OSError as error:
        raise UnmeasurableError(f"the TLS handshake on port {port} failed: {type(error).__name__}") from None


def _read(target: SiteTarget) -> Certificate:
    pem = _served(target)
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(pem)
        file.flush()
        dates, covers_site = _details(file.name, target.name, target.surroundings.run)
    return Certificate(pem, *dates, covers_site)


def _details(path: str, site: str, run: CommandRunner) -> tuple[tuple[float, float], bool]:
    shown = run(["openssl", "x509", "-in", path, "-noout", "-startdate", "-enddate", "-checkhost", site])
    values = dict(line.partition("=")[::2] for line in shown.output.splitlines() if "=" in line)
    try:
        dates = ssl.cert_time_to_seconds(values["notBefore"]), ssl.cert_time_to_seconds(values["notAfter"])
    except (KeyError, ValueError):
        raise UnmeasurableError("openssl cannot read the certificate that is served") from None
    return dates, "does match certificate" in shown.output


@check(
    "W02",
    "tls.expiry",
    title="Certificate expires",
    subject="web",
    target=SiteTarget,
    measures="time until the served certificate expires; severe below 3 days or a tenth of its life, whichever is less",
    source="TLS handshake with the site's name on tls_port of this host",
    unit="seconds",
    critical="0:",
    impact="critical",
    remediation=Remediation("Renew the certificate, and reload what serves it."),
    reference="awesome-prometheus-alerts 20 and 3 days; shares of the life for short-lived certificates: own proposal",
)
def tls_expiry(target: SiteTarget) -> Iterator[Measurement]:
    """Judge the rest of the certificate's life by days and by its share of the whole."""
    certificate = _read(target)
    left = certificate.not_after_seconds - target.now_seconds
    life = certificate.not_after_seconds - certificate.not_before_seconds
    severity = ""
    if left < min(CRITICAL_DAYS * DAY_SECONDS, life / CRITICAL_SHARE):
        severity = "critical"
    elif left < min(WARNING_DAYS * DAY_SECONDS, life / WARNING_SHARE):
        severity = "warning"
    text = f"expires in {duration_text(left)}" if left > 0 else f"expired {duration_text(-left)} ago"
    yield Measurement(left, text=text, severity=severity)


@check(
    "W03",
    "tls.match",
    title="Certificate fits the site",
    subject="web",
    target=SiteTarget,
    measures="1 where the served certificate is not for the site's name, or is not the one on the disk",
    source="the served certificate against the site's name and the certificates that nginx is told to serve",
    unit="bool",
    warning="0",
    impact="high",
    remediation=Remediation("Reload nginx, or issue the certificate for the site's name."),
    reference="own proposal: a renewed certificate without a reload expires all the same",
)
def tls_match(target: SiteTarget) -> Iterator[Measurement]:
    """Compare what is served with the site's name, and with the files that should be served."""
    certificate = _read(target)
    if not certificate.covers_site:
        yield Measurement(1, text="the served certificate is not for this site's name", severity="critical")
        return
    on_disk = certificates(target.surroundings.root)
    if on_disk and certificate.pem.strip() not in on_disk:
        yield Measurement(1, text="the served certificate is not the one on the disk: a reload was missed")
        return
    yield Measurement(0, text="the served certificate is for this site")
