"""JSON Web Tokens of an identity provider: their signature, and their claims (RFC 7519, RFC 8725)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key

from gateway.auth.claims import principal_of
from gateway.auth.errors import NotAuthenticated
from gateway.auth.principal import Principal
from gateway.auth.secret_file import SecretFile
from gateway.auth.settings import JwtSettings


class _Headers(jws.JWSRegistry):
    """Headers with the members that identity providers add: those are ignored, and `crit` is heeded (RFC 7515, 4)."""

    max_header_length = 4_096

    def __init__(self, algorithms: Sequence[str] = ()) -> None:
        super().__init__(algorithms=algorithms, strict_check_header=False)


class KeySource(Protocol):
    """Where the keys that can verify a token come from."""

    async def keys(self, kid: str | None) -> Sequence[Key]:
        """The keys that may have signed a token whose header names `kid`. Raises `AuthenticationUnavailable`."""
        ...


class SecretKeys:
    """The secrets of a file, whatever key a token names: a secret has no name."""

    def __init__(self, file: SecretFile) -> None:
        self._file = file

    async def keys(self, kid: str | None) -> Sequence[Key]:  # noqa: ARG002  # the protocol's
        return self._file.keys()


class JwtVerifier:
    """Takes the tokens of one issuer that are meant for this gateway."""

    def __init__(self, settings: JwtSettings, source: KeySource, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._source = source
        self._registry = jwt.JWTClaimsRegistry(
            now=lambda: int(clock().timestamp()),
            leeway=settings.leeway_seconds,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            exp={"essential": True},
        )

    async def principal(self, token: str) -> Principal:
        """Who the token speaks of. Raises `NotAuthenticated` and `AuthenticationUnavailable`."""
        kid = header_of(token).get("kid")
        keys = await self._source.keys(kid if isinstance(kid, str) else None)
        claims = verified_claims(token, keys, self._settings.allowed_algorithms, self._registry)
        return principal_of(claims, self._settings)


def header_of(token: str) -> dict[str, Any]:
    """The token's header, of which nothing is proved yet. Raises `NotAuthenticated` when it is no signed JWT."""
    try:
        return dict(jws.extract_compact(token.encode(), registry=_Headers()).headers())
    except (JoseError, ValueError, TypeError):
        raise NotAuthenticated("The bearer token is neither an API key of this gateway nor a signed JWT.") from None


def verified_claims(
    token: str, keys: Sequence[Key], algorithms: Sequence[str], registry: jwt.JWTClaimsRegistry
) -> dict[str, Any]:
    """The claims, once one of `keys` has verified them by one of `algorithms` and `registry` takes them.

    Raises `NotAuthenticated`. What exactly was wrong is not told: it would help only whoever forges.
    """
    for key in keys:
        try:
            claims = jwt.decode(token, key, registry=_Headers(algorithms)).claims
        except (JoseError, ValueError, TypeError):  # an algorithm that is not for this kind of key is a ValueError
            continue
        try:
            registry.validate(claims)
        except JoseError:
            raise NotAuthenticated("The token has expired, or is not meant for this gateway.") from None
        return claims
    raise NotAuthenticated("The token's signature cannot be verified.")
