"""A disk that is full when the replacement is to go live, or back: the site goes on, and the next run does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.modules import site_promotion

from tests.lab import MariaDBServer
from tests.modules import run_module
from tests.promotion_stage import RECOVERY, SITE, Stage
from tests.small_disk import small_disk


def run(stage: Stage, state: str) -> dict[str, Any]:
    return run_module(
        site_promotion,
        site=SITE,
        state=state,
        recovery=RECOVERY,
        bench_path=str(stage.bench.path),
        state_path=str(stage.state_path),
        drain_timeout_seconds=0,
        login_user=stage.login.login_user,
        login_password=stage.login.login_password,
        login_host=stage.login.login_host,
        login_port=stage.login.login_port,
        config_file=str(stage.bench.path / "none"),
    )


@pytest.mark.promise(9)
@pytest.mark.parametrize("full", ["bench", "state"])
def test_a_full_disk_keeps_the_site_as_it_is_until_there_is_room(
    tmp_path: Path, mariadb_server: MariaDBServer, full: str
) -> None:
    disk, folder = tmp_path / "disk", tmp_path / "stage"
    folder.mkdir()
    with small_disk(disk) as fill:
        (disk / full).mkdir()
        (folder / full).symlink_to(disk / full)
        stage = Stage(folder, mariadb_server.login)
        for state, assert_it_is in (("promoted", stage.assert_promoted), ("rolled_back", stage.assert_as_before)):
            before = stage.site.config_path.read_bytes()
            fill()
            refused = run(stage, state)
            assert (refused["failed"], refused["error_code"]) == (True, "disk_space"), refused
            assert "Free some space there, then run this again." in refused["msg"]
            assert stage.site.config_path.read_bytes() == before
            stage.assert_never_mixed()
            (disk / "filler").unlink()
            assert not run(stage, state)["failed"]
            assert_it_is()
