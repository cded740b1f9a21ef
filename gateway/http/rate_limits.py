"""How many requests who may send, told in the headers of each answer.

`RateLimit-Policy` and `RateLimit` are those of draft-ietf-httpapi-ratelimit-headers-11: the first says what is allowed,
the second how many requests may be sent at once now (`r`), and in how many seconds that is one more (`t`).
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
from typing import Final

from starlette.types import Message, Scope, Send

from gateway.auth.principal import Principal
from gateway.http.head import RequestHead
from gateway.http.refusal import HttpRefusal
from gateway.resilience.rate_limits import Quota, RateLimiter
from gateway.schema.errors import ErrorCode
from gateway.telemetry import observing

POLICY: Final = '"default"'
"""The name of the one policy that there is."""

_NETWORK_BITS: Final = 64
"""What a provider gives one customer of IPv6 (RFC 6177): whoever has an address has all that begin so."""


class Quotas:
    """Counts the requests to one endpoint by `limiter`, and tells in each answer what is left."""

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self._policy = f"{POLICY};q={limiter.limit.per_minute:.0f};w=60"

    async def take(self, scope: Scope, head: RequestHead, principal: Principal) -> None:
        """Count the request in `scope`, which `principal` sends. Raises `HttpRefusal` when it is one too many."""
        quota = await self._limiter.take(caller_of(principal, head.address))
        scope["state"]["quota"] = quota
        if not quota.is_taken:
            observing.request_rate_limited()
            message = "You have sent more requests than you may. Send this one again later."
            headers = {"Retry-After": str(_whole(quota.seconds))}
            raise HttpRefusal(429, ErrorCode.RATE_LIMITED, message, headers=headers)

    def telling(self, scope: Scope, send: Send) -> Send:
        """`send`, with the headers in the answer, if the request in `scope` was counted."""
        quota: Quota | None = scope["state"].get("quota")
        if quota is None:
            return send
        left = f"{POLICY};r={quota.remaining};t={_whole(quota.seconds)}"
        told = ((b"ratelimit-policy", self._policy.encode()), (b"ratelimit", left.encode()))

        async def send_told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *told]
            await send(message)

        return send_told


def caller_of(principal: Principal, address: str | None) -> str:
    """What the requests of `principal` are counted under; those of one without an identity under the `address`.

    A digest, because identities hold what names people and orders, and this is a key in servers that others may read.
    """
    identity = principal.identity or f"address {_network_of(address)}"
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


def _network_of(address: str | None) -> str:
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:  # a socket of Unix has none
        return ""
    if parsed.version == 4:
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, _NETWORK_BITS), strict=False))


def _whole(seconds: float) -> int:
    """Both headers take whole seconds; fewer than there are would send the client back too early."""
    return max(math.ceil(seconds), 1)
