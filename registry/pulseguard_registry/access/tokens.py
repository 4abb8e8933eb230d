"""The text of an API key: `pg_<role>_<32 random characters><6 of checksum>`, and its digest."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_CHARACTERS = 32  # 62 ** 32 is 190 bits
CHECKSUM_CHARACTERS = 6

_TOKEN = re.compile(r"pg_(agent|enrolment|prometheus|viewer|editor|admin)_[0-9A-Za-z]{38}")
# A key, or what is left of one that was mistyped or cut short.
_LIKE_A_TOKEN = re.compile(r"pg_[a-z]+_[0-9A-Za-z]{20,}")


def make_token(role: str) -> str:
    """A new random key; show it once, keep only its digest."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return f"pg_{role}_{body}{_checksum(f'pg_{role}_{body}')}"


def is_well_formed(token: str) -> bool:
    """Whether it could be a key at all: a slip of the pen is told from a revoked key."""
    if _TOKEN.fullmatch(token) is None:
        return False
    return _checksum(token[:-CHECKSUM_CHARACTERS]) == token[-CHECKSUM_CHARACTERS:]


def role_of(token: str) -> str:
    """The role that a well-formed key names itself."""
    return token.split("_")[1]


def without_keys(text: str) -> str:
    """The same text, with nothing in it that could be a key: for what is shown."""
    return _LIKE_A_TOKEN.sub("pg_…", text)


def digest(token: str, pepper: str) -> bytes:
    """What is stored: HMAC-SHA256 under the pepper. Keys are random, so no slow hash is needed."""
    return hmac.digest(pepper.encode(), token.encode(), "sha256")


def pepper_id(pepper: str) -> str:
    """Names a pepper without telling it, so that keys made under another one can be recognised."""
    return hashlib.sha256(b"pulseguard pepper:" + pepper.encode()).hexdigest()[:16]


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = []
    for _ in range(CHECKSUM_CHARACTERS):
        number, rest = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits))
