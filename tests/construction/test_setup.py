"""What `make demo` does to a machine: what is missing is installed or named, and no service comes with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools import setup


def test_without_root_what_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "as_root", lambda: None)
    monkeypatch.setattr(setup, "missing_packages", lambda _purposes: ["gnupg", "mariadb-server-core"])
    monkeypatch.setattr(setup, "prepare_environment", lambda: pytest.fail("went on without what is missing"))
    monkeypatch.setattr("sys.argv", ["setup", "lab"])
    assert setup.main() == 1
    with pytest.raises(setup.SetupError) as refused:
        setup.install_packages(["gnupg", "mariadb-server-core"])
    assert "These packages are missing: gnupg mariadb-server-core." in str(refused.value)
    assert "apt-get install --yes --no-install-recommends gnupg mariadb-server-core" in str(refused.value)


def test_programs_that_are_not_there_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(setup, "SYSTEM_PATH", str(tmp_path))
    assert {"gnupg", "mariadb-server-core", "mariadb-client", "redis-tools"} <= set(setup.missing_packages(["lab"]))


@pytest.mark.parametrize("had_policy", [False, True], ids=["none", "own"])
def test_no_service_is_started_or_enabled_that_was_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, had_policy: bool
) -> None:
    policy, wants = tmp_path / "policy-rc.d", tmp_path / "multi-user.target.wants"
    wants.mkdir()
    kept, brought = wants / "ssh.service", wants / "redis.service"
    kept.symlink_to("/lib/systemd/system/ssh.service")
    if had_policy:
        policy.write_text("the administrator's own")
    monkeypatch.setattr(setup, "POLICY", policy)
    monkeypatch.setattr(setup, "UNIT_FOLDERS", (tmp_path,))
    with setup.no_service_starts([]):
        assert had_policy or policy.read_text().endswith("exit 101\n")
        brought.symlink_to("/lib/systemd/system/redis.service")
    assert kept.is_symlink()
    assert not brought.is_symlink()
    assert policy.exists() == had_policy
