"""The modules one after the other, as the role calls them, and what happens when a recovery ends early."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import connect, execute, fetch_all
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.identifiers import quote_identifier
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.server import database_exists
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.cleanup import retire_expired
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.journal import Journal
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.promotion import promote
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.promotion_plan import MARK_TABLE, plan_promotion
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.retention import plan_retirement
from ansible_collections.lifeboat.frappe.plugins.module_utils._recovery.surroundings import find_surroundings
from ansible_collections.lifeboat.frappe.plugins.modules import (
    site_promotion,
    site_recovery,
)

from tests.lab.lab import Lab
from tests.modules import run_module
from tests.whole_recovery import WholeRecovery

SITE = "alpha.localhost"


@pytest.fixture(scope="module")
def older_and_newer(lab: Lab) -> tuple[str, str]:
    return lab.backup(SITE).name, lab.backup(SITE).name


class Flow(WholeRecovery):
    """A recovery whose steps a test takes one by one, with what it asks of the server in between."""

    def begin_from(self, recover_to: str, **options: Any) -> dict[str, Any]:
        """Begin from a set, and keep what is replaced."""
        return self.begin(**{"recover_to": recover_to, "keep_days": 7, **options})

    def end(self, recovery: str, state: str = "finished", **options: Any) -> dict[str, Any]:
        """End the recovery; return all that the module said."""
        return self.call(site_recovery, recovery=recovery, state=state, **options)

    def exists(self, database: str) -> bool:
        with connect(self.lab.login) as connection:
            return database_exists(connection, database)

    def account_exists(self, user: str) -> bool:
        with connect(self.lab.login) as connection:
            return bool(fetch_all(connection, "SELECT 1 FROM mysql.user WHERE User = %s", (user,)))


@pytest.fixture
def flow(lab: Lab, tmp_path: Path) -> Flow:
    return Flow(lab, SITE, tmp_path / "state")


@pytest.mark.promise(25)
def test_a_site_that_lives_from_the_set_needs_nothing_until_asked_again(flow, older_and_newer):
    older, newer = older_and_newer
    begun = flow.begin_from(newer)
    flow.stage(begun["recovery"])
    flow.promote(begun["recovery"])
    record = flow.end(begun["recovery"])["record"]
    assert record["outcome"] == "recovered"
    second = flow.begin_from(newer)
    assert (second["changed"], second["needed"], second["recovery"]) == (False, False, "")
    assert flow.begin_from(older, check_mode=True)["needed"]
    assert flow.begin_from(newer, again=True, check_mode=True)["needed"]


def test_what_an_abandoned_recovery_staged_is_gone(flow, older_and_newer):
    begun = flow.begin_from(older_and_newer[0])
    database = flow.stage(begun["recovery"])
    assert flow.exists(database)
    record = flow.end(begun["recovery"], "abandoned", error={"code": "proof_failed", "reason": "No."})["record"]
    assert record["error"] == {"code": "proof_failed", "reason": "No."}
    assert not flow.exists(database)
    assert not flow.account_exists(database)
    assert not (flow.lab.site_path(SITE) / ".lifeboat" / begun["recovery"]).exists()


def test_a_recovery_to_another_set_cleans_up_what_an_unfinished_one_staged(flow, older_and_newer):
    older, newer = older_and_newer
    unfinished = flow.begin_from(older, lock_lease_seconds=0)
    database = flow.stage(unfinished["recovery"])
    begun = flow.begin_from(newer)
    assert begun["recovery"] != unfinished["recovery"]
    assert not flow.exists(database)
    flow.end(begun["recovery"], "abandoned")


def test_what_was_promoted_cannot_be_abandoned(flow, older_and_newer):
    begun = flow.begin_from(older_and_newer[0])
    flow.stage(begun["recovery"])
    flow.promote(begun["recovery"])
    refused = run_module(site_recovery, **flow.options, state="abandoned", recovery=begun["recovery"])
    assert refused["error_code"] == "recovery_promoted"
    rolled_back = flow.call(site_promotion, state="rolled_back", recovery=begun["recovery"])
    assert rolled_back["changed"]
    assert flow.end(begun["recovery"], outcome="rolled_back")["record"]["rollback_command"] is None


def test_what_is_kept_for_no_day_is_deleted_at_the_end(flow, older_and_newer):
    begun = flow.begin_from(older_and_newer[0], keep_days=0)
    flow.stage(begun["recovery"])
    replaced = flow.lab.site_config(SITE)["db_name"]
    flow.promote(begun["recovery"])
    assert flow.exists(replaced)
    assert flow.end(begun["recovery"])["expired"] == [begun["recovery"]]
    assert not flow.exists(replaced)
    assert flow.exists(flow.lab.site_config(SITE)["db_name"])


def test_what_may_be_the_only_good_copy_does_not_expire(flow, older_and_newer):
    first = flow.begin_from(older_and_newer[0])
    flow.stage(first["recovery"])
    replaced = flow.lab.site_config(SITE)["db_name"]
    flow.promote(first["recovery"])
    flow.end(first["recovery"])
    site = Bench(flow.lab.bench_path).site(SITE)
    with connect(flow.lab.login) as connection:
        late = datetime.now(timezone.utc) + timedelta(days=8)
        promoted = flow.lab.site_config(SITE)["db_name"]
        mark = f"{quote_identifier(promoted)}.{quote_identifier(MARK_TABLE)}"
        execute(connection, f"RENAME TABLE {mark} TO {mark[:-1]}_gone`")
        assert retire_expired(connection, Path(flow.options["state_path"]), site, late) == []
        execute(connection, f"RENAME TABLE {mark[:-1]}_gone` TO {mark}")
        assert flow.exists(replaced)
        journal = Journal.open(Path(flow.options["state_path"]), SITE, first["recovery"])
        assert plan_retirement(connection, site, journal).database == replaced
        assert retire_expired(connection, Path(flow.options["state_path"]), site, late) == [first["recovery"]]
    assert not flow.exists(replaced)


def test_a_promotion_that_was_cut_short_is_undone_before_another_set_is_recovered(flow, older_and_newer):
    older, newer = older_and_newer
    first = flow.begin_from(older, lock_lease_seconds=0)
    flow.stage(first["recovery"])
    before = flow.lab.site_config(SITE)
    folder = Path(flow.options["state_path"]) / SITE / first["recovery"]

    class CutShort(BaseException):
        pass

    def cut(step: str, event: str) -> None:
        if (step, event) == ("promote.fence", "done"):
            raise CutShort

    site = Bench(flow.lab.bench_path).site(SITE)
    journal = Journal(folder, trap=cut)
    with connect(flow.lab.login) as connection:
        promotion_plan = plan_promotion(connection, site, journal)
        with pytest.raises(CutShort):
            promote(connection, site, journal, promotion_plan, find_surroundings(site.bench), 0, 1)
    begun = flow.begin_from(newer)
    assert begun["recovery"] != first["recovery"]
    assert flow.lab.site_config(SITE) == before
    with flow.lab.connect(SITE) as connection:
        assert fetch_all(connection, "SELECT COUNT(*) FROM tabDefaultValue")[0][0]
    flow.end(begun["recovery"], "abandoned")


def test_a_failed_recovery_onto_nothing_leaves_nothing(flow, older_and_newer):
    flow.options["site"] = "gone.localhost"
    paths = [str(flow.lab.site_path(SITE) / "private" / "backups")]
    begun = flow.begin_from(older_and_newer[0], paths=paths, allow_cross_site=True)
    database = flow.stage(begun["recovery"])
    assert flow.lab.site_path("gone.localhost").is_dir()
    flow.end(begun["recovery"], "abandoned")
    assert not flow.lab.site_path("gone.localhost").exists()
    assert not flow.exists(database)
