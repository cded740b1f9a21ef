"""How it ends when nobody can say who asks. No text of a token, a library or an identity provider is in a message."""

from __future__ import annotations


class AuthenticationError(Exception):
    """There is no principal for what was sent. The message reaches the client."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotAuthenticated(AuthenticationError):
    """The token is missing, or proves nothing. `is_given` tells the two apart."""

    def __init__(self, message: str, *, is_given: bool = True) -> None:
        super().__init__(message)
        self.is_given = is_given


class AuthenticationUnavailable(AuthenticationError):
    """Whether the token is good cannot be told now: its keys cannot be had. The same token may be good later."""
