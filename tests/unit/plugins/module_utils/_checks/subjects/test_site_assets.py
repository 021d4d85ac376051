from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._checks.subjects.site_assets import NAMES_SHOWN

from tests.fake_site import FakeSite


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ('{"a.js": "/assets/app/a.js"}', "ok"),
        ('{"a.js": "/assets/app/a.js", "b.js": "/assets/app/b.js"}', "warning"),
        ("[]", "unknown"),
        ("{", "unknown"),
    ],
)
def test_bundles_that_pages_ask_for_are_there(tmp_path: Path, text: str, severity: str) -> None:
    fake = FakeSite(tmp_path)
    assert fake.look_at_bench("F17")[""].severity == "critical"
    fake.write("sites/assets/assets.json", text)
    fake.write("sites/assets/app/a.js", "")
    assert fake.look_at_bench("F17")[""].severity == severity


def test_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.write("sites/assets/assets.json", "{}").with_name("gone").symlink_to(tmp_path / "nowhere")
    assert fake.look_at_bench("F17")[""].evidence == ("the link gone leads nowhere",)


def test_only_some_of_the_missing_bundles_are_named(tmp_path: Path) -> None:
    fake = FakeSite(tmp_path)
    fake.write(
        "sites/assets/assets.json", json.dumps({f"{n}.js": f"/assets/app/{n}.js" for n in range(NAMES_SHOWN + 1)})
    )
    finding = fake.look_at_bench("F17")[""]
    assert (finding.value, len(finding.evidence)) == (NAMES_SHOWN + 1, NAMES_SHOWN)
