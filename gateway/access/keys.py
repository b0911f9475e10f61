"""API keys, of which only hashes are kept.

Prefix and checksum are for people, and for scanners that look for leaked keys. They decide nothing, the hash does, so
that keys made elsewhere are as good; but they tell what may be wrong with a key that is refused.
"""

import hashlib
import secrets
import string
import zlib

PREFIX = "cgk_"
ALPHABET = string.ascii_letters + string.digits
RANDOM_CHARACTERS = 40  # of 62 kinds: 238 bits
CHECKSUM_CHARACTERS = 6  # of 62 kinds hold 32 bits
CHARACTERS = len(PREFIX) + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS


def new_key() -> str:
    """Return a new key: prefix, 40 random letters and digits, and 6 that are the checksum of those before."""
    body = PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return body + checksum(body)


def has_prefix(key: str) -> bool:
    """Tell whether `key` begins like one that `new_key` made, in any case."""
    return key[: len(PREFIX)].lower() == PREFIX


def has_valid_checksum(key: str) -> bool:
    """Tell whether `key` is whole: made by `new_key`, and no character of it mistyped."""
    body, digits = key[:-CHECKSUM_CHARACTERS], key[-CHECKSUM_CHARACTERS:]
    return len(key) == CHARACTERS and key.startswith(PREFIX) and checksum(body) == digits


def key_hash(key: str) -> str:
    """Return what stands in the settings for `key`: lower-case hex of SHA-256 of its UTF-8 bytes."""
    return hashlib.sha256(key.encode()).hexdigest()


def checksum(body: str) -> str:
    """Return CRC-32 of the UTF-8 bytes of `body` in base 62: a to z, A to Z, 0 to 9."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
