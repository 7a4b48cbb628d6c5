"""Files sealed with a key from the environment, so that a copy elsewhere tells nothing.

AES-256-GCM in pieces, each with its number and whether it is the last in its nonce:
none can be changed, left out, or moved. The key is derived from WORKSPACE_BACKUP_KEY
and a salt of the file's own.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"MADANG1\n"
SALT_BYTES, PREFIX_BYTES, TAG_BYTES = 16, 7, 16
PIECE = 1 << 20


class WrongKey(Exception):
    """The file was sealed with another key, or has been damaged."""


def seal(source, target, key):
    """Write what a binary file has, sealed, into another."""
    salt, prefix = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(PREFIX_BYTES)
    cipher = _cipher(key, salt)
    target.write(MAGIC + salt + prefix)
    number, piece = 0, source.read(PIECE)
    while True:
        following = source.read(PIECE)
        target.write(cipher.encrypt(_nonce(prefix, number, not following), piece, None))
        if not following:
            return
        number, piece = number + 1, following


def unseal(source, target, key):
    """Write what a sealed file has into another; raise WrongKey."""
    header = source.read(len(MAGIC) + SALT_BYTES + PREFIX_BYTES)
    if not header.startswith(MAGIC):
        raise WrongKey
    salt = header[len(MAGIC) : len(MAGIC) + SALT_BYTES]
    prefix = header[len(MAGIC) + SALT_BYTES :]
    cipher = _cipher(key, salt)
    number, piece = 0, source.read(PIECE + TAG_BYTES)
    while True:
        following = source.read(PIECE + TAG_BYTES)
        try:
            nonce = _nonce(prefix, number, not following)
            target.write(cipher.decrypt(nonce, piece, None))
        except (InvalidTag, ValueError) as error:
            raise WrongKey from error
        if not following:
            return
        number, piece = number + 1, following


def _cipher(key, salt):
    derived = Scrypt(salt=salt, length=32, n=1 << 15, r=8, p=1).derive(key.encode())
    return AESGCM(derived)


def _nonce(prefix, number, is_last):
    return prefix + number.to_bytes(4, "big") + bytes([is_last])
