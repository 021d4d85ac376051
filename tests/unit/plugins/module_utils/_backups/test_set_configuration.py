from __future__ import annotations

import json

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._backups.set_configuration import (
    configuration_in_set,
    read_set_configuration,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._bench.layout import Bench
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError

from tests.backup_sets import KEY, encrypt

CONFIGURATION = {"db_name": "_1", "encryption_key": "k"}
CONTENT = json.dumps(CONFIGURATION).encode()


@pytest.fixture
def site(tmp_path):
    site = Bench(tmp_path / "bench").site("a.b")
    site.path.mkdir(parents=True)
    return site


def test_a_plain_and_an_encrypted_one_are_read(tmp_path, site):
    plain, encrypted = tmp_path / "plain", tmp_path / "encrypted"
    plain.write_bytes(CONTENT)
    encrypted.write_bytes(encrypt(CONTENT))
    assert read_set_configuration(plain, None) == read_set_configuration(encrypted, KEY) == CONFIGURATION
    assert configuration_in_set(encrypted, KEY, site) == CONFIGURATION
    assert configuration_in_set(None, None, site) == {}
    with pytest.raises(LifeboatError) as failure:
        configuration_in_set(encrypted, None, site)
    assert failure.value.error_code == "key_missing"
    site.config_path.write_text(json.dumps({"backup_encryption_key": KEY}))
    assert configuration_in_set(encrypted, None, site) == CONFIGURATION


def test_what_is_no_configuration_is_refused(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(encrypt(b"[]"))
    with pytest.raises(LifeboatError) as failure:
        read_set_configuration(path, KEY)
    assert failure.value.error_code == "configuration_invalid"
