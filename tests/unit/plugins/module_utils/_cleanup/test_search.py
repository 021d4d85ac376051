"""Places are searched one after another, each while the one before is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup import find
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.find import path_of
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.registry import Place
from ansible_collections.lifeboat.frappe.plugins.module_utils._cleanup.search import found_in
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_each_place_has_its_own_files(tmp_path: Path, count: int) -> None:
    places = [Place(tmp_path / str(number), ("*.log",), 1) for number in range(count)]
    for place in places[1:]:
        place.root.mkdir()
        (place.root / f"{place.root.name}.log").touch()
    found = [(place, [path_of(line) for lines in batches for line in lines]) for place, batches in found_in(places)]
    assert found == [(place, [f"{place.root.name}.log"] if place in places[1:] else []) for place in places]


def test_place_that_cannot_be_searched_is_told_when_it_is_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    broken = tmp_path / "find"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(find, "FIND", str(broken))
    ((_place, batches),) = found_in([Place(tmp_path / "a")])
    with pytest.raises(LifeboatError, match="Nothing of it"):
        list(batches)
