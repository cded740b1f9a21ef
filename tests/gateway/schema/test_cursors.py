"""Cursors hold an offset and belong to one search of one shop."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.schema.cursors import LARGEST_OFFSET, VERSION, read_cursor, write_cursor
from gateway.schema.errors import ClientError, ErrorCode
from providers.models import OrderSearch

EVERYTHING = OrderSearch()
BY_EMAIL = OrderSearch(email_id="jane@example.com")


@given(st.integers(1, LARGEST_OFFSET), st.sampled_from(["acme", "other"]), st.sampled_from([EVERYTHING, BY_EMAIL]))
def test_a_cursor_leads_back_to_its_offset(offset: int, shop: str, search: OrderSearch) -> None:
    assert read_cursor(write_cursor(shop, search, offset), shop, search) == offset


@pytest.mark.parametrize(
    ("shop", "search"),
    [("acme", BY_EMAIL), ("other", EVERYTHING), ("acme", OrderSearch(email_id="john@example.com"))],
    ids=["another filter", "another shop", "another value"],
)
def test_a_cursor_of_another_search_is_refused(shop: str, search: OrderSearch) -> None:
    cursor = write_cursor("acme", EVERYTHING, 30)
    with pytest.raises(ClientError) as refused:
        read_cursor(cursor, shop, search)
    assert refused.value.code is ErrorCode.BAD_CURSOR


def forged(*members: object) -> str:
    """A cursor with a right fingerprint and something else wrong."""
    right = orjson.loads(decoded(write_cursor("acme", EVERYTHING, 30)))
    return urlsafe_b64encode(orjson.dumps([*members, *right[len(members) :]])).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "30",
        "!!",
        "Ü",
        "A" * 10_000,
        forged(VERSION + 1),
        forged(VERSION, 0),
        forged(VERSION, -1),
        forged(VERSION, True),
        forged(VERSION, 30.0),
        forged(VERSION, "30"),
        forged(VERSION, LARGEST_OFFSET + 1),
        urlsafe_b64encode(b"[]").decode(),
        urlsafe_b64encode(b"{}").decode(),
        urlsafe_b64encode(b"7").decode(),
    ],
)
def test_what_was_not_made_here_is_refused(cursor: str) -> None:
    with pytest.raises(ClientError) as refused:
        read_cursor(cursor, "acme", EVERYTHING)
    assert refused.value.code is ErrorCode.BAD_CURSOR


def test_forging_alone_does_not_make_a_cursor_wrong() -> None:
    """The test of the test above: the same forgery with nothing wrong is read."""
    assert read_cursor(forged(VERSION, 31), "acme", EVERYTHING) == 31


def test_a_cursor_does_not_show_the_filter() -> None:
    """It may end up in a log or an address bar; an e-mail address must not."""
    assert b"jane" not in decoded(write_cursor("acme", BY_EMAIL, 30))


def outcome(text: str) -> int | ErrorCode:
    try:
        return read_cursor(text, "acme", EVERYTHING)
    except ClientError as refused:
        return refused.code


@given(st.text(max_size=60))
def test_no_text_ends_in_anything_but_a_refusal(text: str) -> None:
    """The fingerprint cannot be guessed."""
    assert outcome(text) is ErrorCode.BAD_CURSOR
