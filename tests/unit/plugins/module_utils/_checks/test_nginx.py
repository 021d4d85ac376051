from __future__ import annotations

from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.nginx import (
    certificates,
    configuration_files,
    values_of,
)


def test_a_host_without_nginx_has_no_configuration(tmp_path: Path) -> None:
    assert configuration_files(tmp_path) == []
    assert certificates(tmp_path) == []


def test_directives_are_read_from_every_file_that_is_enabled_once(tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "nginx"
    (folder / "sites-available").mkdir(parents=True)
    (folder / "sites-enabled").mkdir()
    (folder / "nginx.conf").write_text("http { access_log /var/log/a.log main; # access_log /var/log/no.log;\n}\n")
    bench = folder / "sites-available" / "bench"
    bench.write_text("server {\n  access_log /var/log/a.log;\n  access_log off;\n}\n")
    (folder / "sites-enabled" / "bench").symlink_to(bench)
    assert configuration_files(tmp_path) == [folder / "nginx.conf", bench]
    assert values_of("access_log", tmp_path) == ["/var/log/a.log", "off"]


def test_a_certificate_is_read_without_its_chain(tmp_path: Path) -> None:
    (tmp_path / "etc" / "nginx").mkdir(parents=True)
    (tmp_path / "etc" / "nginx" / "a.conf").write_text("ssl_certificate /etc/a.pem;\nssl_certificate /etc/gone.pem;\n")
    leaf = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    (tmp_path / "etc" / "a.pem").write_text(f"comment\n{leaf}\n{leaf.replace('AAAA', 'BBBB')}\n")
    assert certificates(tmp_path) == [leaf]
