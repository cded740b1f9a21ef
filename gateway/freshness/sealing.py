"""What others see of a shared cache: everything as it is, or nothing that can be read.

Sealed, payloads are encrypted with AES-256-GCM (NIST SP 800-38D) and bound to the name they stand under, and names are
hashed with a key, because order numbers and search filters are in them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12  # the length that GCM is specified for; random ones are good for 2**32 entries under one key
_NAMING = b"trackgraph cache names"


class Seal(Protocol):
    """How names and payloads are written to a shared cache."""

    def name(self, name: str) -> str: ...
    def close(self, name: str, payload: bytes) -> bytes: ...
    def open(self, name: str, sealed: bytes) -> bytes | None:
        """The payload, or None for what was not written under this name with this key."""
        ...


class NoSeal:
    """Everything as it is."""

    def name(self, name: str) -> str:
        return name

    def close(self, name: str, payload: bytes) -> bytes:  # noqa: ARG002  # part of the Protocol
        return payload

    def open(self, name: str, sealed: bytes) -> bytes | None:  # noqa: ARG002  # part of the Protocol
        return sealed


class AesGcmSeal:
    """Encrypted under a key of 32 bytes. A value that was changed, or moved to another name, does not open."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        # A key of its own for names: one key should have one use.
        self._naming_key = hmac.digest(key, _NAMING, hashlib.sha256)

    def name(self, name: str) -> str:
        return hmac.new(self._naming_key, name.encode(), hashlib.sha256).hexdigest()

    def close(self, name: str, payload: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, payload, name.encode())

    def open(self, name: str, sealed: bytes) -> bytes | None:
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
            return None
