from __future__ import annotations

import gzip
import io
import random

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.dump.stream import (
    MINIMUM_LIMIT_BYTES,
    expansion_limit_bytes,
    open_sql,
)
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.errors import LifeboatError
from hypothesis import given
from hypothesis import strategies as st

SQL = b"".join(b"INSERT INTO `t` VALUES\n(%d,'%d');\n" % (number, number * 7919) for number in range(3000))
TWO_MEMBERS = gzip.compress(b"-- header\n") + gzip.compress(SQL)
WHOLE = b"-- header\n" + SQL


class Trickle(io.BytesIO):
    """Gives a few bytes at a time, as a pipe may."""

    def read(self, size: int = -1) -> bytes:
        return super().read(min(size, 7) if size >= 0 else 7)


def read_all(content: bytes, limit_bytes: int = 1 << 30, raw: type[io.BytesIO] = io.BytesIO) -> bytes:
    stream = open_sql(raw(content), limit_bytes)
    pieces = []
    while piece := stream.read(10_000):
        pieces.append(piece)
    assert stream.read() == b""
    assert stream.bytes_read == sum(map(len, pieces))
    assert stream.compressed_bytes_read == len(content)
    return b"".join(pieces)


@pytest.mark.parametrize("raw", [io.BytesIO, Trickle])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (WHOLE, WHOLE),
        (TWO_MEMBERS, WHOLE),
        (gzip.compress(b"") + TWO_MEMBERS, WHOLE),
        (TWO_MEMBERS + b"\0" * 600, WHOLE),
        (gzip.compress(b"x" * 5_000_000), b"x" * 5_000_000),
    ],
    ids=["plain", "two members", "an empty member", "padding", "long run"],
)
def test_the_sql_comes_out_whole(content, expected, raw):
    assert read_all(content, raw=raw) == expected


@pytest.mark.promise(1)
@pytest.mark.parametrize("raw", [io.BytesIO, Trickle])
@pytest.mark.parametrize(
    "length",
    [len(TWO_MEMBERS) * part // 16 for part in range(16)] + [len(TWO_MEMBERS) - cut for cut in range(1, 17)],
)
def test_a_truncated_file_is_told(length, raw):
    with pytest.raises(LifeboatError) as raised:
        read_all(TWO_MEMBERS[:length], raw=raw)
    assert raised.value.error_code == "artifact_truncated"


@pytest.mark.parametrize(
    "content",
    [
        TWO_MEMBERS + b"garbage",
        TWO_MEMBERS + b"\0" * 600 + b"garbage",
        TWO_MEMBERS[:-8] + b"12345678",
        TWO_MEMBERS[:200] + b"\xff" * 20 + TWO_MEMBERS[220:],
        b"\x1f\x8c" + TWO_MEMBERS[2:],
    ],
    ids=["garbage after", "garbage after padding", "check sum", "damage", "magic"],
)
def test_damage_is_told_apart_from_truncation(content):
    with pytest.raises(LifeboatError) as raised:
        read_all(content)
    assert raised.value.error_code == "artifact_corrupt"


def test_garbage_after_long_padding_is_found():
    with pytest.raises(LifeboatError) as raised:
        read_all(TWO_MEMBERS + b"\0" * 600_000 + b"garbage")
    assert raised.value.error_code == "artifact_corrupt"


def content_or_error(damaged: bytes) -> bytes | str:
    try:
        return read_all(damaged)
    except LifeboatError as error:
        return error.error_code


@pytest.mark.promise(3)
@pytest.mark.parametrize("seed", range(500))
def test_a_flipped_bit_is_found_or_harmless(seed):
    numbers = random.Random(seed)
    damaged = bytearray(TWO_MEMBERS)
    damaged[numbers.randrange(len(damaged))] ^= 1 << numbers.randrange(8)
    found = content_or_error(bytes(damaged))
    # A first byte that is not gzip's is read as plain SQL, which the tokenizer refuses at its first byte.
    expected = bytes(damaged) if damaged[0] != TWO_MEMBERS[0] else WHOLE
    assert found in (expected, "artifact_corrupt", "artifact_truncated", "artifact_too_large")


@pytest.mark.promise(20)
@pytest.mark.parametrize("content", [gzip.compress(b"\0" * 3_000_000), b"\0" * 3_000_000], ids=["gzip", "plain"])
def test_a_bomb_is_given_up_at_the_limit(content):
    stream = open_sql(io.BytesIO(content), 1_000_000)
    with pytest.raises(LifeboatError) as raised:
        list(iter(lambda: stream.read(100_000), b""))
    assert raised.value.error_code == "artifact_too_large"
    assert stream.bytes_read <= 1_100_000


def test_the_limit_grows_with_the_artifact():
    assert expansion_limit_bytes(10) == MINIMUM_LIMIT_BYTES
    assert expansion_limit_bytes(1 << 30) == 200 << 30


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.integers(1, 50))
def test_any_members_in_any_portions(members, size):
    stream = open_sql(io.BytesIO(b"".join(map(gzip.compress, members))), 1 << 20)
    pieces = []
    while piece := stream.read(size):
        assert len(piece) <= size
        pieces.append(piece)
    assert b"".join(pieces) == b"".join(members)
