"""Claims about the way from the bytes of an answer to what they say."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import pytest

from providers.reading import LONGEST_SHARED, StructReader, WrongShape, shared
from providers.wire import Figure, WireStruct, number


class Parcel(WireStruct, frozen=True):
    name: str | None = None
    weight: Figure = None
    content: dict[str, Any] | None = None
    parts: list[Parcel] | None = None
    place: msgspec.Raw = msgspec.Raw(b"null")


PARCEL = StructReader.of(Parcel)


def refused(body: bytes, reader: StructReader[Any] = PARCEL) -> bool:
    with pytest.raises(WrongShape) as caught:
        reader.validate_json(body)
    return not caught.value.args and caught.value.__suppress_context__


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b'{"name": "x"', b'{"name": "x"} y', b"null", b"[]", b'{"name": 5}', b'{"name": ["x"]}'),
        *(b'{"weight": true}', b'{"weight": NaN}', b'{"weight": Infinity}', b'{"weight": 1e999}', b'{"weight": []}'),
        *(b'{"other": NaN}', b'{"other": "\xff"}', b'{"name": "\xff"}', b'{"name": "\\ud800"}', b'{"content": [1]}'),
        *(b'{"content": {"a": [1e999]}}', b'{"content": ' + b'{"a": ' * 5_000, b'{"parts": [' * 50_000),
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
def test_what_is_not_as_documented_is_refused_without_a_word_of_it(body: bytes) -> None:
    assert refused(body)


def bottomless(_: Parcel) -> None:
    raise WrongShape


def test_what_a_mapping_cannot_read_is_refused_with_all_of_the_answer() -> None:
    weights = PARCEL.then(lambda parcel: number(parcel.weight))
    assert weights.validate_json(b'{"weight": "2.5"}') == 2.5
    assert refused(b'{"weight": "heavy"}', weights)
    assert refused(b"{}", PARCEL.then(bottomless))


def test_a_mistake_of_ours_is_not_taken_for_the_providers() -> None:
    broken = PARCEL.then(lambda parcel: int(parcel.name or "x"))
    with pytest.raises(ValueError, match="invalid literal"):
        broken.validate_json(b"{}")


def test_members_that_are_not_named_are_passed_over() -> None:
    assert PARCEL.validate_json(b'{"name": "x", "colour": {"red": [1, null]}}') == Parcel(name="x")


class Reader:
    """Reads places and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, stated: bytes, unit: str) -> tuple[str, str]:
        self.times += 1
        if stated == b"null":
            raise WrongShape
        return stated.decode(), unit


def place(text: bytes) -> msgspec.Raw:
    return PARCEL.validate_json(b'{"place": ' + text + b"}").place


def test_what_is_shared_is_read_once_and_anew_where_anything_differs() -> None:
    reader = Reader()
    read = shared(partial(reader))
    assert read(place(b'"Wien"'), "km") is read(place(b'"Wien"'), "km")
    assert reader.times == 1
    assert read(place(b'"Wien" '), "mi") == ('"Wien"', "mi")
    assert read(place(b'"WIEN"'), "km") == ('"WIEN"', "km")
    assert reader.times == 3


def test_what_cannot_be_read_is_refused_each_time() -> None:
    reader = Reader()
    read = shared(partial(reader))
    for _ in range(2):
        with pytest.raises(WrongShape):
            read(place(b"null"), "km")
    assert reader.times == 2


def test_long_members_are_not_remembered() -> None:
    reader = Reader()
    read = shared(partial(reader))
    longest = b'"' + b"x" * (LONGEST_SHARED - 2) + b'"'
    for text, times in ((longest, 1), (longest[:-1] + b'x"', 2)):
        reader.times = 0
        read(place(text), "km")
        read(place(text), "km")
        assert reader.times == times
