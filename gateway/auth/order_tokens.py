"""Order tokens: short-lived tokens with which a browser reads one order and nothing else.

A token is a JWT that this gateway signs for itself, so nothing is stored for it; it holds what it is for, and no
personal data. It cannot be revoked before it expires, except all at once by taking its secret away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from gateway.auth.claims import ORDER_NAMES, claim_of, names_of
from gateway.auth.errors import NotAuthenticated
from gateway.auth.principal import OneOrder, Principal, order_reader
from gateway.auth.secret_file import SecretFile

ISSUER: Final = "trackgraph"
AUDIENCE: Final = "trackgraph:order"
TOKEN_TYPE: Final = "trackgraph-order+jwt"  # noqa: S105  # a media type
"""The header `typ`, by which these are told from other JWTs (RFC 8725, section 3.11)."""

ALGORITHM: Final = "HS256"


@dataclass(frozen=True, slots=True)
class MintedToken:
    value: str
    expires_at: datetime


class OrderTokens:
    """Makes and takes order tokens. One may be good for `longest` at most."""

    def __init__(self, secrets: SecretFile, longest: timedelta, clock: Callable[[], datetime]) -> None:
        from joserfc import jwt  # noqa: PLC0415  # late, as all that needs it: see `secret_file`

        self._secrets = secrets
        self.longest = longest
        self._clock = clock
        self._registry = jwt.JWTClaimsRegistry(
            now=lambda: int(clock().timestamp()),
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
        )

    def mint(self, order: OneOrder, lifetime: timedelta, *, personal: bool) -> MintedToken:
        """A token for `order`, whose names must be of the kinds in `ORDER_NAMES`.

        Raises `AuthenticationUnavailable` when the secret cannot be read.
        """
        from joserfc import jwt  # noqa: PLC0415

        now = int(self._clock().timestamp())
        expires = now + int(lifetime.total_seconds())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": expires,
            "shop": order.shop,
            "order": claim_of(order.names),
            "personal": personal,
        }
        signing = self._secrets.keys()[0]
        value = jwt.encode({"alg": ALGORITHM, "typ": TOKEN_TYPE}, claims, signing, algorithms=[ALGORITHM])
        return MintedToken(value, datetime.fromtimestamp(expires, UTC))

    def principal(self, token: str) -> Principal:
        """Who may read the token's order. Raises `NotAuthenticated` and `AuthenticationUnavailable`."""
        from gateway.auth.jwt_verifier import verified_claims  # noqa: PLC0415

        claims = verified_claims(token, self._secrets.keys(), [ALGORITHM], self._registry)
        shop, personal = claims.get("shop"), claims.get("personal")
        if not isinstance(shop, str) or not isinstance(personal, bool):
            raise NotAuthenticated("The token holds a claim that cannot be read.")
        return order_reader("order token", OneOrder(shop, names_of(claims.get("order"))), personal=personal)


MINTABLE_KINDS: Final = frozenset(ORDER_NAMES.values())
"""The kinds of keys that a token can hold."""
