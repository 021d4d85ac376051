"""Finding benches and sites in a tree that stands for a host."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import (
    Bench,
    bench_at,
    find_bench,
    find_benches,
    is_bench,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError


def make_bench(path: Path, *sites: str) -> Path:
    (path / "apps").mkdir(parents=True)
    (path / "sites" / "assets").mkdir(parents=True)
    (path / "sites" / "common_site_config.json").write_text("{}")
    for site in sites:
        (path / "sites" / site).mkdir()
        (path / "sites" / site / "site_config.json").write_text("{}")
    return path


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """The root of a host with an empty list of processes."""
    root = tmp_path / "host"
    (root / "proc").mkdir(parents=True)
    return root


def test_bench_knows_its_places(tmp_path: Path) -> None:
    bench = Bench(make_bench(tmp_path / "frappe-bench", "a.example"))
    site = bench.site("a.example")
    assert bench.name == "frappe-bench"
    assert bench.apps_path == tmp_path / "frappe-bench" / "apps"
    assert bench.common_config_path == tmp_path / "frappe-bench" / "sites" / "common_site_config.json"
    assert bench.owner == (tmp_path.stat().st_uid, tmp_path.stat().st_gid)
    assert site.config_path == bench.sites_path / "a.example" / "site_config.json"
    assert site.backups_path == site.path / "private" / "backups"
    assert site.public_files == site.path / "public" / "files"
    assert site.private_files == site.path / "private" / "files"
    assert site.exists()
    assert not bench.site("b.example").exists()


def test_sites_are_real_folders_with_a_configuration(tmp_path: Path) -> None:
    bench = Bench(make_bench(tmp_path / "bench", "b.example", "a.example"))
    (bench.sites_path / "a.example" / "site_config.json").write_text("not JSON")
    (bench.sites_path / "alias.example").symlink_to(bench.sites_path / "a.example")
    (bench.sites_path / "empty.example").mkdir()
    assert [site.name for site in bench.sites()] == ["a.example", "b.example"]


@pytest.mark.parametrize("name", ["", ".", "..", "../other", "a/b", "/etc", "a\0b"])
def test_site_name_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(LifeboatError) as raised:
        Bench(tmp_path).site(name)
    assert raised.value.error_code == "path_unsafe"


def test_benches_are_found_in_the_usual_places_once(host: Path) -> None:
    make_bench(host / "home" / "frappe" / "frappe-bench")
    make_bench(host / "opt" / "bench")
    make_bench(host / "srv" / "erp" / "bench")
    make_bench(host / "var" / "lib" / "erp" / "bench")
    (host / "home" / "frappe" / "alias").symlink_to(host / "home" / "frappe" / "frappe-bench")
    (host / "etc").mkdir()
    (host / "etc" / "passwd").write_text(
        "root:x:0:0:root:/:/bin/sh\nerp:x:1:1::/var/lib/erp:/bin/sh\nnone:x:2:2::/nonexistent:/bin/sh\nbroken line\n"
    )
    assert [bench.path.relative_to(host).as_posix() for bench in find_benches(root=host)] == [
        "home/frappe/frappe-bench",
        "opt/bench",
        "srv/erp/bench",
        "var/lib/erp/bench",
    ]


def test_benches_are_found_where_processes_stand(host: Path) -> None:
    for pid, place in ((10, "data/one/sites"), (11, "data/two"), (12, "data")):
        if place != "data":
            make_bench(host / place.removesuffix("/sites"))
        process = host / "proc" / str(pid)
        process.mkdir()
        (process / "cmdline").write_bytes(b"gunicorn\0")
        (process / "stat").write_text(f"{pid} (gunicorn) S 1 1 1")
        (process / "cwd").symlink_to(host / place)
    assert [bench.name for bench in find_benches(root=host)] == ["one", "two"]


def test_given_paths_replace_the_usual_ones(host: Path) -> None:
    make_bench(host / "home" / "frappe" / "frappe-bench")
    make_bench(host / "data" / "a" / "bench")
    make_bench(host / "data" / "b" / "bench")
    assert [bench.path.parent.name for bench in find_benches(["/data/*"], host)] == ["a", "b"]
    assert [bench.path.parent.name for bench in find_benches(["/data/b/bench"], host)] == ["b"]
    assert find_benches(["/nothing"], host) == []


def test_the_root_itself_is_a_place(host: Path) -> None:
    make_bench(host / "bench")
    assert [bench.name for bench in find_benches(["/"], host)] == ["bench"]


def test_host_without_a_list_of_processes_has_no_bench(tmp_path: Path) -> None:
    assert find_benches(root=tmp_path) == []


def test_folder_that_cannot_be_read_is_no_bench(tmp_path: Path) -> None:
    name = "x" * 300  # longer than a name may be: the kernel refuses to look
    assert not is_bench(tmp_path / name)
    assert find_benches([str(tmp_path / "file")], Path("/")) == []


def test_bench_of_a_site_is_the_one_that_has_it(host: Path) -> None:
    make_bench(host / "home" / "frappe" / "one", "a.example")
    make_bench(host / "home" / "frappe" / "two", "b.example")
    assert find_bench("b.example", root=host).name == "two"


def test_only_bench_is_taken_when_the_site_is_gone(host: Path) -> None:
    make_bench(host / "home" / "frappe" / "one", "a.example")
    assert find_bench("gone.example", root=host).name == "one"


def test_two_benches_are_ambiguous_for_a_site_that_is_gone_or_in_both(host: Path) -> None:
    make_bench(host / "home" / "frappe" / "one", "a.example")
    make_bench(host / "home" / "frappe" / "two", "a.example")
    for site in ("a.example", "gone.example"):
        with pytest.raises(LifeboatError) as raised:
            find_bench(site, root=host)
        assert raised.value.error_code == "bench_ambiguous"
        assert [Path(path).name for path in raised.value.details["benches"]] == ["one", "two"]


def test_no_bench_says_what_to_set(host: Path) -> None:
    with pytest.raises(LifeboatError, match="Set bench_path") as raised:
        find_bench("a.example", root=host)
    assert raised.value.error_code == "bench_not_found"


def test_given_path_must_be_a_bench(host: Path) -> None:
    with pytest.raises(LifeboatError) as raised:
        find_bench("a.example", host)
    assert raised.value.error_code == "bench_not_found"
    path = make_bench(host / "bench")
    (host / "link").symlink_to(path)
    assert find_bench("a.example", host / "link").path == path
    assert bench_at(path).path == path
