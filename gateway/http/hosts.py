"""Which names the gateway answers to: a defence against DNS rebinding.

A page of `evil.example` may have that name resolve to 127.0.0.1 and then reads, as its own origin, what a gateway
answers there that asks nobody who they are. Its browser still says `Host: evil.example`, which no page can change.

Starlette's `TrustedHostMiddleware` makes the same comparison, but answers in plain text, which it offers no way to
change, and would refuse probes as well, which come by an address that nobody knows beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from functools import lru_cache
from typing import Final

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.head import RequestHead, head_of
from gateway.http.health import HEALTH_PATHS
from gateway.http.refusal import HttpRefusal, refusal_response
from gateway.schema.errors import ErrorCode

_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[^\[\]:]+))(?::[0-9]*)?")

HOST_NOT_ALLOWED: Final = HttpRefusal(
    421,
    ErrorCode.HOST_NOT_ALLOWED,
    "The gateway does not answer to the name that this request was sent to. It has to be added to `server.hosts`.",
)


class KnownHosts:
    """`app`, for requests whose `Host` is one of `hosts`: names and addresses in lower case, IPv6 without brackets.

    Health is told to everyone: it says nothing of orders.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http" or scope["path"] in HEALTH_PATHS or is_for(head_of(scope), self._hosts):
            return self._app(scope, receive, send)
        return refusal_response(HOST_NOT_ALLOWED, head_of(scope).accept)(scope, receive, send)


def is_for(head: RequestHead, hosts: frozenset[str]) -> bool:
    """Whether a request with this head was sent to one of `hosts`."""
    return host_of(head.get(b"host")) in hosts


@lru_cache(maxsize=256)
def host_of(header: str | None) -> str | None:
    """The name or address in a `Host` header, in lower case, without brackets and port; None when it has none."""
    matched = _HOST.fullmatch((header or "").lower())
    return (matched["ipv6"] or matched["name"]) if matched else None


def host_middleware(hosts: frozenset[str] | None) -> list[Middleware]:
    """What refuses requests to other names than `hosts`; nothing when that is None, which stands for any."""
    return [] if hosts is None else [Middleware(KnownHosts, hosts)]
