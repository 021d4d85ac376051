"""What ``log_bin_compress`` does to the statements and rows of an event, undone. Pure."""

from __future__ import annotations

import zlib

# The length of what a compressed part becomes, above which it is damage: no packet of a server is larger.
LARGEST_UNCOMPRESSED_BYTES = 1 << 30
_COMPRESSED_MARK = 0x80
_ALGORITHM_BITS = 0x70
_LENGTH_BITS = 0x07


def uncompress(packed: bytes) -> bytes:
    """Undo ``log_bin_compress``: a byte that says how, the length in big-endian order, then zlib.

    Raises:
        ValueError: It is damaged, or compressed in another way.
    """
    length_bytes = packed[0] & _LENGTH_BITS if packed else 0
    expected = int.from_bytes(packed[1 : 1 + length_bytes], "big")
    if not packed or packed[0] & _COMPRESSED_MARK == 0 or packed[0] & _ALGORITHM_BITS:
        raise ValueError("compressed in an unknown way")
    if expected > LARGEST_UNCOMPRESSED_BYTES:
        raise ValueError("too long")
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(packed[1 + length_bytes :], expected + 1)
    except zlib.error as error:
        raise ValueError("not compressed by zlib") from error
    if len(unpacked) != expected or not unpacker.eof:
        raise ValueError("of another length")
    return unpacked
