"""API keys: what one looks like, and how it is recognised.

A key is random with 256 bits, so a plain SHA-256 of it keeps it secret: a slow hash (Argon2, bcrypt) makes guessing a
person's password dear, and nobody guesses 256 bits, while every request would pay for it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.auth.errors import NotAuthenticated
from gateway.auth.principal import Principal, Scope
from gateway.store.api_keys import ApiKey, ApiKeys

PREFIX: Final = "tgk_"
"""What a key begins with, so that it is recognised, also by those who search repositories for lost secrets."""

_KEY = re.compile(rf"{PREFIX}(?P<id>[0-9a-f]{{12}})_[A-Za-z0-9_-]{{43}}")

HELD_SECONDS: Final = 5.0
"""How long a look-up holds in a process, and so how long a revoked key may still be taken."""

MOST_HELD: Final = 10_000
"""Look-ups that a process holds. Anybody can send keys that do not exist: beyond this all are looked up anew."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made. `value` is told once, to whoever asked for it; the store gets `digest`."""

    id: str
    value: str
    digest: str


def new_key() -> NewKey:
    """A key that nobody has."""
    key_id = secrets.token_hex(6)
    value = f"{PREFIX}{key_id}_{secrets.token_urlsafe(32)}"
    return NewKey(key_id, value, _digest(value))


class ApiKeyVerifier:
    """Recognises API keys, by a look-up in the store that holds for `HELD_SECONDS`."""

    def __init__(
        self, keys: ApiKeys, clock: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._monotonic = monotonic
        self._held: dict[str, tuple[ApiKey | None, float]] = {}

    async def principal(self, token: str) -> Principal:
        """Whose key it is. Raises `NotAuthenticated`, and `StoreUnavailable` when it cannot be looked up."""
        parsed = _KEY.fullmatch(token)
        return self._verified(token, await self._find(parsed["id"]) if parsed else None)

    def held(self, token: str) -> Principal | None:
        """The same, if it was looked up a moment ago; else None. Raises `NotAuthenticated`."""
        parsed = _KEY.fullmatch(token)
        held = self._held.get(parsed["id"]) if parsed else None
        return self._verified(token, held[0]) if held is not None and self._holds(held[1]) else None

    def _verified(self, token: str, key: ApiKey | None) -> Principal:
        if key is None or not hmac.compare_digest(key.digest, _digest(token)) or not key.is_good(self._clock()):
            raise NotAuthenticated("The API key is unknown, was revoked, or has expired.")
        scopes = frozenset(scope for scope in Scope if scope in key.scopes)
        return Principal(key.name or key.id, key.shops, scopes, identity=f"key {key.id}")

    def _holds(self, asked_at: float) -> bool:
        return self._monotonic() - asked_at < HELD_SECONDS

    async def _find(self, key_id: str) -> ApiKey | None:
        held = self._held.get(key_id)
        if held is not None and self._holds(held[1]):
            return held[0]
        asked_at = self._monotonic()
        found = await self._keys.find(key_id)
        if len(self._held) >= MOST_HELD:
            self._held.clear()
        self._held[key_id] = (found, asked_at)
        return found


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
