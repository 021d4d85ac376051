"""Whose caches are looked after."""

from __future__ import annotations

import pwd
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.registry import places_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.rules.caches import PACKAGE_CACHES

from tests.cleanup_folder import make_bench


def test_caches_are_those_of_the_account_that_has_the_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = make_bench(tmp_path)
    (tmp_path / ".cache" / "pip").mkdir(parents=True)
    monkeypatch.setattr(pwd, "getpwuid", lambda _user_id: SimpleNamespace(pw_name="a", pw_dir=str(tmp_path)))
    assert [place.root for place in places_of(PACKAGE_CACHES, [bench])] == [tmp_path / ".cache" / "pip"]

    def unknown(user_id: int) -> None:
        raise KeyError(user_id)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert list(places_of(PACKAGE_CACHES, [bench])) == []
