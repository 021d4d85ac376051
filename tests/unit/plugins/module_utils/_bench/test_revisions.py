from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.revisions import Revision, app_revision

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("files", "revision"),
    [
        (
            {"HEAD": "ref: refs/heads/version-15\n", "refs/heads/version-15": f"{COMMIT}\n"},
            Revision(COMMIT, "version-15"),
        ),
        (
            {"HEAD": "ref: refs/heads/a/b\n", "packed-refs": f"# pack-refs with: peeled\n{COMMIT} refs/heads/a/b\n"},
            Revision(COMMIT, "a/b"),
        ),
        ({"HEAD": f"{COMMIT}\n"}, Revision(COMMIT, "")),
        ({"HEAD": "ref: refs/heads/new\n"}, Revision("", "new")),
        ({"HEAD": "ref: refs/remotes/upstream/x\n"}, Revision("", "")),
        ({}, Revision("", "")),
    ],
    ids=["branch", "packed", "detached", "without a commit", "no branch", "no repository"],
)
def test_what_an_app_is_at(tmp_path, files, revision):
    bench = Bench(tmp_path)
    for name, text in files.items():
        path = bench.apps_path / "frappe/.git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert app_revision(bench, "frappe") == revision
