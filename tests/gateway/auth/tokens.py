"""Keys and tokens of an identity provider, made for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, OctKey, RSAKey

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ISSUER = "https://idp.test/"
AUDIENCE = "trackgraph"
SECRET = "a secret of thirty-two bytes, or a little more"  # noqa: S105  # made for these tests

RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
OTHER_RSA = RSAKey.generate_key(2048, {"kid": "other"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})


def claims(**changed: Any) -> dict[str, Any]:
    """Claims that are good at noon; a claim that is set to None is left out."""
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "page",
        "iat": int(NOON.timestamp()),
        "exp": int((NOON + timedelta(hours=1)).timestamp()),
        "shops": ["acme"],
        "scope": "orders:read openid",
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def signed(key: Key | str = RSA, algorithm: str = "RS256", header: dict[str, Any] | None = None, **changed: Any) -> str:
    """A token with `claims(**changed)`, signed with `key`, whose name it holds where it has one."""
    signing = OctKey.import_key(key) if isinstance(key, str) else key
    named = {"kid": signing.kid} if signing.kid else {}
    full = {"alg": algorithm, **named, **(header or {})}
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    return jwt.encode(full, claims(**changed), signing, registry=registry)


def published(*keys: Key) -> dict[str, Any]:
    """What an identity provider publishes of `keys`."""
    return {"keys": [{**key.as_dict(private=False), "use": "sig"} for key in keys]}
