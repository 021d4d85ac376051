"""Reading and writing configuration files without showing what is in them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.configuration import (
    DatabaseAddress,
    bench_id,
    database_address,
    is_on,
    read_configuration,
    redis_addresses,
    webserver_port,
    without_password,
    write_configuration,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

SECRET = "RWcQ0nd3m2um3Cc9"


def test_configuration_is_written_as_frappe_writes_it_in_the_given_order(tmp_path: Path) -> None:
    path = tmp_path / "site_config.json"
    write_configuration(path, {"db_name": "_a", "a": 1, "ä": "é"})
    assert path.read_bytes() == b'{\n "db_name": "_a",\n "a": 1,\n "\\u00e4": "\\u00e9"\n}'
    assert read_configuration(path) == {"db_name": "_a", "a": 1, "ä": "é"}
    assert path.stat().st_mode & 0o777 == 0o640


def test_writing_keeps_mode_and_owner_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "site_config.json"
    path.write_text("{}")
    path.chmod(0o604)
    if os.geteuid() == 0:
        os.chown(path, 12345, 12346)
    before = path.stat()
    write_configuration(path, {"a": 1})
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino
    assert [entry.name for entry in tmp_path.iterdir()] == ["site_config.json"]


def test_new_file_belongs_to_the_owner_of_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, 12345, 12346)
    write_configuration(folder / "site_config.json", {}, mode=0o600)
    status = (folder / "site_config.json").stat()
    assert (status.st_uid, status.st_gid) == (folder.stat().st_uid, folder.stat().st_gid)
    assert status.st_mode & 0o777 == 0o600


def test_given_owner_is_used(tmp_path: Path) -> None:
    owner = (os.getuid(), os.getgid())
    write_configuration(tmp_path / "site_config.json", {}, owner)
    status = (tmp_path / "site_config.json").stat()
    assert (status.st_uid, status.st_gid) == owner


@pytest.mark.parametrize(
    "content",
    [
        f'{{"db_password": "{SECRET}",, }}'.encode(),
        f'["{SECRET}"]'.encode(),
        b"",
        b'{"a": "\xff' + SECRET.encode() + b'"}',
    ],
)
def test_invalid_configuration_is_reported_without_its_text(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "site_config.json"
    path.write_bytes(content)
    with pytest.raises(LifeboatError, match=str(path)) as raised:
        read_configuration(path)
    assert raised.value.error_code == "configuration_invalid"
    assert SECRET not in raised.value.message
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_place_of_the_mistake_is_named(tmp_path: Path) -> None:
    path = tmp_path / "site_config.json"
    path.write_text('{\n "a": 1\n "b": 2\n}')
    with pytest.raises(LifeboatError, match="line 3, column 2"):
        read_configuration(path)


def test_missing_configuration_has_its_own_code(tmp_path: Path) -> None:
    with pytest.raises(LifeboatError) as raised:
        read_configuration(tmp_path / "site_config.json")
    assert raised.value.error_code == "configuration_missing"


def test_database_of_a_frappe_15_site() -> None:
    site = {"db_name": "_a", "db_password": SECRET}
    assert database_address(site, {}) == DatabaseAddress("_a", "_a", "127.0.0.1", 3306, None)


def test_database_of_a_frappe_16_site_takes_its_own_values_first() -> None:
    site = {"db_name": "_a", "db_user": "_u", "db_host": "db1", "db_socket": "/run/a.sock"}
    common = {"db_host": "db0", "db_port": "3316"}
    assert database_address(site, common) == DatabaseAddress("_a", "_u", "db1", 3316, "/run/a.sock")


def test_database_name_defaults_to_its_account() -> None:
    assert database_address({"db_user": "_u"}, {}).db_name == "_u"


@pytest.mark.parametrize("site", [{}, {"db_name": ""}, {"db_name": "_a", "db_port": "many"}])
def test_configuration_without_a_database_is_invalid(site: dict[str, object]) -> None:
    with pytest.raises(LifeboatError) as raised:
        database_address(site, {})
    assert raised.value.error_code == "configuration_invalid"


def test_redis_addresses() -> None:
    assert redis_addresses({}) == ("redis://127.0.0.1:13311", "redis://127.0.0.1:11311")
    common = {"redis_cache": "redis://c:1", "redis_queue": "redis://q:2"}
    assert redis_addresses(common) == ("redis://c:1", "redis://q:2")


def test_account_of_the_queue_goes_into_its_address() -> None:
    common = {"redis_queue": "redis://old:x@q:2/1", "use_rq_auth": 1, "rq_username": "bench@1", "rq_password": "p/w d"}
    assert redis_addresses(common)[1] == "redis://bench%401:p%2Fw%20d@q:2/1"
    assert redis_addresses({**common, "use_rq_auth": 0})[1] == "redis://old:x@q:2/1"
    assert redis_addresses({"use_rq_auth": 1, "rq_password": "p"})[1] == "redis://:p@127.0.0.1:11311"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:11000", "redis://127.0.0.1:11000"),
        (f"redis://user:{SECRET}@host:1/2", "redis://host:1/2"),
        (f"redis://host:1?password={SECRET}", "redis://host:1"),
        (f"redis://:a/{SECRET}#b@host:1", "redis://host:1"),
        (f"redis://:a?{SECRET}@host:1", "redis://..."),
        (f"redis://host:1?password=a@{SECRET}", "redis://..."),
        (f"unix://:{SECRET}@/run/redis.sock?db=1", "unix:///run/redis.sock"),
    ],
)
def test_addresses_are_shown_without_their_secrets(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_port_of_the_web_server() -> None:
    assert webserver_port({"webserver_port": "8001"}) == 8001
    assert webserver_port({}) == 8000
    assert webserver_port({"webserver_port": "none"}) == 8000


def test_queues_begin_with_the_path_of_the_bench() -> None:
    assert bench_id({}, Path("/home/frappe/frappe-bench")) == "home-frappe-frappe-bench"
    assert bench_id({"bench_id": "mine"}, Path("/x")) == "mine"


@pytest.mark.parametrize("value", [1, True, "1", "true", 2])
def test_switch_is_on(value: object) -> None:
    assert is_on({"maintenance_mode": value}, "maintenance_mode")


@pytest.mark.parametrize(
    "configuration", [{"a": 0}, {"a": False}, {"a": "0"}, {"a": "False"}, {"a": ""}, {"a": None}, {}]
)
def test_switch_is_off(configuration: dict[str, object]) -> None:
    assert not is_on(configuration, "a")


def test_written_file_is_json_for_anybody(tmp_path: Path) -> None:
    write_configuration(tmp_path / "c.json", {"limits": {"users": 5}, "domains": ["a"]})
    assert json.loads((tmp_path / "c.json").read_text()) == {"limits": {"users": 5}, "domains": ["a"]}


@pytest.mark.parametrize(
    "content",
    [
        b'{\n    "b": 1,\n    "a": {\n        "c": []\n    }\n}\n',
        b'{\n\t"b": 1,\n\t"a": 2\n}',
        b'{"b": 1, "a": 2}\n\n',
        '{\n "b": "B\u00e4ckerei"\n}'.encode(),
        b'{\n "b": "B\\u00e4ckerei"\n}',
        b"{}",
        b'{\n"b": 1\n}',
    ],
    ids=["four spaces", "tabs", "one line", "letters", "escaped letters", "empty", "no indentation"],
)
def test_form_of_the_file_stays_so_that_a_change_can_be_taken_back_to_the_byte(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "site_config.json"
    path.write_bytes(content)
    before = read_configuration(path)
    write_configuration(path, {**before, "new": 1})
    assert read_configuration(path) == {**before, "new": 1}
    write_configuration(path, before)
    assert path.read_bytes() == content


def test_file_that_was_no_json_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "site_config.json"
    path.write_bytes(b"\xff not json")
    write_configuration(path, {"a": 1})
    assert read_configuration(path) == {"a": 1}
