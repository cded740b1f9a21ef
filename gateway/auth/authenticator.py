"""From a bearer token to the principal behind it, whatever kind of token it is."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gateway.auth.api_keys import PREFIX, ApiKeyVerifier
from gateway.auth.errors import AuthenticationUnavailable, NotAuthenticated
from gateway.auth.order_tokens import TOKEN_TYPE, OrderTokens
from gateway.auth.principal import ANYONE, Principal

if TYPE_CHECKING:
    from gateway.auth.jwt_verifier import JwtVerifier

LONGEST_TOKEN: Final = 8_192
"""Characters. An access token with a page of claims takes a quarter of it."""


def anyone(_token: str | None) -> Principal:
    """Everybody may do everything: for `auth.mode = "none"`."""
    return ANYONE


def nobody_yet(_token: str | None) -> Principal:
    """Nobody can be told: before what checks tokens is open. Raises `AuthenticationUnavailable`."""
    raise AuthenticationUnavailable("Tokens cannot be checked yet.")


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Takes API keys, and the kinds of JWT that are set up."""

    api_keys: ApiKeyVerifier
    jwt: JwtVerifier | None = None
    order_tokens: OrderTokens | None = None

    def __call__(self, token: str | None) -> Principal | Coroutine[Any, Any, Principal]:
        """The principal behind `token`: at once, where nobody has to be asked.

        Raises `NotAuthenticated`, `AuthenticationUnavailable`, and `StoreUnavailable` when a key cannot be looked up.
        What a token says of itself decides only who checks it, never with which keys or algorithms.
        """
        if not token:
            raise NotAuthenticated("This gateway answers to those it knows: send a bearer token.", is_given=False)
        if len(token) > LONGEST_TOKEN or not token.isascii():
            raise NotAuthenticated("The bearer token is none of ours.")
        if token.startswith(PREFIX):
            return self.api_keys.held(token) or self.api_keys.principal(token)
        from gateway.auth.jwt_verifier import header_of  # noqa: PLC0415  # late, as all that needs joserfc: secret_file

        if header_of(token).get("typ") == TOKEN_TYPE and self.order_tokens:
            return self.order_tokens.principal(token)
        if self.jwt is None:
            raise NotAuthenticated("This gateway takes API keys, and no such token.")
        return self.jwt.principal(token)
