"""What can be set about tokens: the tables `[auth.jwt]` and `[auth.order_tokens]`. Knows nothing of files read."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

SECRET_ALGORITHMS: Final = frozenset({"HS256", "HS384", "HS512"})
PUBLIC_KEY_ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519"}
)
"""Signatures of RFC 7518 and RFC 9864. The two sets are never mixed: a public key taken for a secret proves nothing."""

_DEFAULT_ALGORITHMS: Mapping[bool, str] = {True: "RS256 ES256", False: "HS256"}
"""By whether the keys are public."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class JwtSettings(_Table):
    """Whose JSON Web Tokens are taken, and what is read out of them. One of the two sources of keys is given."""

    issuer: str = Field(min_length=1, description="What the claim `iss` must be, letter by letter.")
    audience: str = Field(min_length=1, description="What the claim `aud` must be, or hold when it is a list.")
    jwks_url: str | None = Field(
        default=None,
        description="Where the identity provider publishes its public keys (RFC 7517); https, or http on this machine. "
        "Nothing in a token ever names another address. Either this or `secret_file`.",
    )
    secret_file: Path | None = Field(
        default=None,
        description="File with a secret that tokens are signed with (HMAC), of 32 bytes at least; a second line may "
        "hold another that is good as well. It is read again when it has changed. Either this or `jwks_url`.",
    )
    algorithms: str | None = Field(
        default=None,
        description="Signatures that are taken, separated by blanks. Left out: `RS256 ES256` with `jwks_url`, `HS256` "
        "with `secret_file`.",
    )
    leeway_seconds: int = Field(
        default=30, ge=0, le=300, description="How far the clock of who signs may be off from this one."
    )
    jwks_refresh_seconds: int = Field(
        default=300,
        ge=10,
        le=86_400,
        description="Age at which the public keys are fetched anew, behind the answers. A token whose key is not among "
        "them has them fetched at once, but not more often than every 30 seconds. While they cannot be fetched the "
        "last ones hold.",
    )
    shops_claim: str = Field(
        default="shops", min_length=1, description="The claim with the slugs of the caller's shops, a list."
    )
    scope_claim: str = Field(
        default="scope",
        min_length=1,
        description="The claim with the caller's scopes: text with blanks between them, or a list. Others than the "
        "gateway's are ignored.",
    )
    order_claim: str = Field(
        default="order",
        min_length=1,
        description='The claim that makes a token one for a single order, such as `{"orderNumber": "1001"}`.',
    )

    @property
    def allowed_algorithms(self) -> tuple[str, ...]:
        """The signatures that are taken."""
        return tuple((self.algorithms or _DEFAULT_ALGORITHMS[self.jwks_url is not None]).split())

    @field_validator("jwks_url")
    @classmethod
    def _is_confidential(cls, url: str | None) -> str | None:
        if url is not None and not _is_https_or_local(url):
            raise ValueError("should be an https:// URL; http:// is for this machine alone")
        return url

    @model_validator(mode="after")
    def _has_one_source_of_keys(self) -> Self:
        if (self.jwks_url is None) is (self.secret_file is None):
            raise ValueError("needs either jwks_url or secret_file")
        fitting = SECRET_ALGORITHMS if self.jwks_url is None else PUBLIC_KEY_ALGORITHMS
        if not self.allowed_algorithms or not fitting.issuperset(self.allowed_algorithms):
            raise ValueError(f"should have algorithms of these alone: {' '.join(sorted(fitting))}")
        return self


class OrderTokenSettings(_Table):
    """With what order tokens are signed."""

    secret_file: Path = Field(
        description="File with the secret that `mintOrderToken` signs with, of 32 bytes at least, as `openssl rand "
        "-base64 32` prints it. To change it, put the new one on the first line and the old one on the second: the "
        "first signs, both are good. It is read again when it has changed."
    )
    longest_seconds: int = Field(
        default=86_400, ge=60, le=30 * 86_400, description="Longest that an order token may be good for."
    )


def _is_https_or_local(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and _is_local(parts.hostname or ""))
    )


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
