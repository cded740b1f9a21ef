"""Checks of arguments that the type system cannot make: refused, never clamped."""

from __future__ import annotations

import pytest

from gateway.schema.arguments import (
    LARGEST_FIRST,
    LONGEST_TEXT,
    MOST_PROVIDERS,
    check_first,
    check_providers,
    check_text,
)
from gateway.schema.errors import ClientError, ErrorCode


@pytest.mark.parametrize("first", [1, 30, LARGEST_FIRST])
def test_first_is_taken_as_it_is(first: int) -> None:
    assert check_first(first, 50) == first


def test_first_given_as_null_is_as_if_it_were_left_out() -> None:
    assert check_first(None, 50) == 50


@pytest.mark.parametrize("first", [0, -1, LARGEST_FIRST + 1, 2**31])
def test_first_beyond_1_to_100_is_refused(first: int) -> None:
    with pytest.raises(ClientError, match="1 to 100") as refused:
        check_first(first, 50)
    assert refused.value.code is ErrorCode.BAD_USER_INPUT


@pytest.mark.parametrize("providers", [None, [], ["karla"], ["billink", "hypertrack", "karla", "paypal", "karla"]])
def test_known_providers_are_taken_each_once(providers: list[str] | None) -> None:
    assert check_providers(providers) == (None if providers is None else frozenset(providers))


@pytest.mark.parametrize("providers", [["dhl"], ["karla", "dhl"], ["Karla"], [""]])
def test_a_provider_that_nobody_knows_is_refused_with_the_choices(providers: list[str]) -> None:
    with pytest.raises(ClientError) as refused:
        check_providers(providers)
    assert refused.value.code is ErrorCode.UNKNOWN_PROVIDER
    assert refused.value.extensions["providers"] == ["karla", "hypertrack", "paypal", "billink"]


@pytest.mark.parametrize("name", ["karla", "dhl"])
def test_more_providers_than_there_can_be_are_refused(name: str) -> None:
    assert check_providers(["karla"] * MOST_PROVIDERS) == {"karla"}
    with pytest.raises(ClientError, match="at most 100 names") as refused:
        check_providers([name] * (MOST_PROVIDERS + 1))
    assert refused.value.code is ErrorCode.BAD_USER_INPUT


@pytest.mark.parametrize("text", ["4711", " 4711 ", "Ä", "x" * LONGEST_TEXT])
def test_text_to_look_up_is_taken_as_it_is(text: str) -> None:
    assert check_text(text, "by") == text


@pytest.mark.parametrize("text", ["", "  ", "4711\n", "\x00", "x" * (LONGEST_TEXT + 1)])
def test_text_that_is_no_name_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ClientError, match="`handle` takes") as refused:
        check_text(text, "handle")
    assert refused.value.code is ErrorCode.BAD_USER_INPUT
