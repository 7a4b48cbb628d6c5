"""Signatures of frames: their last 16 bytes, the beginning of an HMAC-SHA256."""

from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest

HMAC_BYTES = 16


@lru_cache(maxsize=4096)
def _keyed_states(key):
    """Return SHA-256 states that have eaten the inner and the outer padded key.

    Copying both halves the time of hmac.digest() for frames of some thirty bytes.
    """
    if len(key) > 64:
        key = sha256(key).digest()
    key = key.ljust(64, b"\0")
    inner = sha256(bytes(byte ^ 0x36 for byte in key))
    outer = sha256(bytes(byte ^ 0x5C for byte in key))
    return inner.copy, outer.copy


def signature(key, message):
    """Return the 16 bytes that sign message (bytes) under key (bytes)."""
    copy_inner, copy_outer = _keyed_states(key)
    inner = copy_inner()
    inner.update(message)
    outer = copy_outer()
    outer.update(inner.digest())
    return outer.digest()[:HMAC_BYTES]


def signed(key, message):
    """Return message followed by its signature."""
    return message + signature(key, message)


def is_signed(key, frame):
    """Tell, in constant time, whether the frame's last 16 bytes sign the others."""
    return compare_digest(signature(key, frame[:-HMAC_BYTES]), frame[-HMAC_BYTES:])
