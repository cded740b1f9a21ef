"""Who sends a request: the bearer token in `Authorization` (RFC 6750), and how one is refused.

Cookies are never read, and neither is a token in the address: both would be sent or kept without anybody's meaning it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from gateway.auth.errors import AuthenticationUnavailable, NotAuthenticated
from gateway.auth.principal import Principal
from gateway.http.head import RequestHead
from gateway.http.refusal import HttpRefusal
from gateway.schema.errors import ErrorCode
from gateway.store.errors import StoreUnavailable

Authenticate = Callable[[str | None], Principal | Coroutine[Any, Any, Principal]]
"""From a bearer token, or None without one, to the principal: at once, where nobody has to be asked for it. Raises
`AuthenticationError`, `StoreUnavailable`, then or when it is awaited."""

REALM: Final = 'Bearer realm="trackgraph"'

RETRY_SECONDS: Final = "5"
"""When to come again while tokens cannot be checked: the store and the keys are looked for that often."""


async def principal_of(head: RequestHead, authenticate: Authenticate) -> Principal:
    """Who sends a request with this head. Raises `HttpRefusal`: 401, or 503 when nobody can say now."""
    try:
        known = authenticate(bearer_token(head.get(b"authorization")))
        return known if isinstance(known, Principal) else await known
    except NotAuthenticated as error:
        challenge = f'{REALM}, error="invalid_token"' if error.is_given else REALM
        headers = {"WWW-Authenticate": challenge}
        raise HttpRefusal(401, ErrorCode.UNAUTHENTICATED, error.message, headers=headers) from None
    except AuthenticationUnavailable as error:
        raise _later(ErrorCode.AUTHENTICATION_UNAVAILABLE, error.message) from None
    except StoreUnavailable:
        message = "The gateway's store cannot be used at the moment."
        raise _later(ErrorCode.STORE_UNAVAILABLE, message) from None


def bearer_token(authorization: str | None) -> str | None:
    """The token in the header; None when it is absent, or of another scheme."""
    if authorization is None:
        return None
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _later(code: ErrorCode, message: str) -> HttpRefusal:
    return HttpRefusal(503, code, message, headers={"Retry-After": RETRY_SECONDS})
