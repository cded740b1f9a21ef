"""How the bearer token is read out of a header (RFC 6750, section 2.1)."""

from __future__ import annotations

import pytest

from gateway.http.bearer import bearer_token


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("  BEARER   abc  ", "abc"),
        ("Bearer a b", "a b"),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic abc", None),
        ("BearerX abc", None),
        ("abc", None),
        ("", None),
        (None, None),
    ],
)
def test_the_token_is_what_follows_the_scheme(header: str | None, token: str | None) -> None:
    assert bearer_token(header) == token
