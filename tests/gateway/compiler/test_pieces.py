"""Encoded pieces: an entity that was projected once is spliced into other answers, which stay the same to the byte."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Hashable
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson
import pytest
import strawberry
from graphql import parse

from gateway.compiler import Compiler, Options, PieceCache, Program
from gateway.compiler.keys import LARGEST, frozen
from gateway.compiler.pieces import entry_bytes
from tests.gateway.compiler.reference import operation_of

reads: list[str] = []
"""The books whose title was read."""


@strawberry.type
class Author:
    name: str
    nick: str | None = "nick"

    @strawberry.field
    async def rating(self) -> int:
        return 5


@strawberry.input
class Cut:
    size: int = 1


@strawberry.type
class Book:
    isbn: strawberry.ID
    author: Author
    stock: int = 3

    @strawberry.field
    def title(self) -> str:
        reads.append(self.isbn)
        return f"Title of {self.isbn}"

    @strawberry.field
    def part(self, size: int) -> str:
        return self.isbn[:size]

    @strawberry.field
    def cut(self, by: list[Cut | None]) -> list[str]:
        return [self.isbn[: one.size] if one else "" for one in by]

    @strawberry.field
    def reader(self, info: strawberry.Info[str]) -> str:
        return info.context


BOOKS = [Book(isbn=strawberry.ID(isbn), author=Author(name="Ann")) for isbn in ("111", "222")]


@strawberry.type
class Query:
    @strawberry.field
    def books(self) -> list[Book | None]:
        return [*BOOKS, None]

    @strawberry.field
    def book(self) -> Book:
        return BOOKS[0]


schema = strawberry.Schema(Query)


def by_isbn(book: Any, context: object) -> Hashable | None:
    return None if context == "no pieces" else book.isbn


@pytest.fixture
def pieces() -> PieceCache:
    reads.clear()
    return PieceCache(100_000)


def program(text: str, pieces: PieceCache | None, **options: Any) -> Program:
    keys = {"piece_keys": {"Book": by_isbn}, **options}
    document = parse(text)
    return Compiler(schema._schema, Options(pieces=pieces, **keys)).compile(document, operation_of(document))


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("{ books { isbn title author { name } } }", None),
        ("{ book { title __typename } again: book { title } }", None),
        ("query ($n: Int!) { books { part(size: $n) } }", {"n": 2}),
        ("query ($cut: Cut, $n: Int!) { books { cut(by: [$cut, { size: $n }]) } }", {"cut": {"size": 2}, "n": 1}),
        ("query ($cuts: [Cut!]!) { books { cut(by: $cuts) } }", {"cuts": [{"size": 2}, {}]}),
        ("query ($long: Boolean!) { books { isbn title @include(if: $long) } }", {"long": False}),
        ("{ books { author { rating } title } }", None),
        ("{ books { reader } }", None),
    ],
)
async def test_answers_are_the_same_with_pieces(text: str, variables: Any, pieces: PieceCache) -> None:
    plain = await program(text, None).run("me", variables)
    pieced = program(text, pieces)

    assert [await pieced.run("me", variables) for _ in range(3)] == [plain] * 3


async def test_an_entity_is_projected_once(pieces: PieceCache) -> None:
    books = program("{ books { title } }", pieces)

    await books.run(None, None)
    await books.run(None, None)

    assert reads == ["111", "222"]


async def test_programs_and_places_have_pieces_of_their_own(pieces: PieceCache) -> None:
    await program("{ book { title } other: book { title isbn } }", pieces).run(None, None)
    await program("{ book { title } }", pieces).run(None, None)

    assert len(pieces) == 3


async def test_values_of_variables_tell_pieces_apart(pieces: PieceCache) -> None:
    books = program("query ($n: Int!) { book { part(size: $n) } }", pieces)

    assert await books.run(None, {"n": 1}) == b'{"book":{"part":"1"}}'
    assert await books.run(None, {"n": 2}) == b'{"book":{"part":"11"}}'


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        (Decimal("1.0"), Decimal("1.00")),
        (datetime(2020, 1, 1, 0, tzinfo=UTC), datetime(2020, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
        ([Decimal("1.0")], [Decimal("1.00")]),
        ({"a": 0.0}, {"a": -0.0}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
)
def test_values_that_are_equal_and_not_the_same_have_keys_of_their_own(one: object, other: object) -> None:
    assert frozen(one) != frozen(other)
    assert frozen(one) == frozen(deepcopy(one))


@pytest.mark.parametrize(("members", "are_kept"), [(1, True), (LARGEST // 2, False), (100_000, False)])
async def test_pieces_under_large_values_are_not_kept(members: int, are_kept: bool, pieces: PieceCache) -> None:
    books = program("query ($cuts: [Cut!]!) { book { cut(by: $cuts) } }", pieces)

    await books.run(None, {"cuts": [{"size": 2}] * members})

    assert len(pieces) == are_kept


async def test_gates_tell_pieces_apart(pieces: PieceCache) -> None:
    class Friends:
        otherwise = None

        def admits(self, context: object) -> bool:
            return context == "friend"

    gate = Friends()
    book = program("{ book { author { nick } } }", pieces, gates=lambda _type, name: gate if name == "nick" else None)

    answers = [await book.run(asker, None) for asker in ("friend", "other", "friend")]

    seen, masked = b'{"book":{"author":{"nick":"nick"}}}', b'{"book":{"author":{"nick":null}}}'
    assert answers == [seen, masked, seen]


@pytest.mark.parametrize("text", ["{ book { author { rating } } }", "{ book { reader } }", "{ book { stock } }"])
async def test_what_is_no_function_of_the_entity_is_not_kept(text: str, pieces: PieceCache) -> None:
    await program(text, pieces, volatile=frozenset({"Book.stock"})).run("me", None)

    assert not len(pieces)


async def test_an_entity_without_a_key_is_not_kept(pieces: PieceCache) -> None:
    answer = await program("{ book { isbn } }", pieces).run("no pieces", None)

    assert answer == b'{"book":{"isbn":"111"}}'
    assert not len(pieces)


def test_a_cache_stays_within_its_bytes_and_forgets_what_was_not_used() -> None:
    entry = entry_bytes("a", b"x" * 10)
    cache = PieceCache(2 * entry)
    cache.keep("a", b"x" * 10)
    cache.keep("b", b"x" * 10)
    cache.find("a")
    cache.keep("c", b"x" * 10)

    assert cache.find("b") is None
    assert cache.find("a")
    assert cache.find("c")
    assert cache.size == 2 * entry


def test_keys_are_counted() -> None:
    cache = PieceCache(1_000_000)
    key = ("a", tuple(str(number) * 10 for number in range(100)))
    cache.keep(key, b"x")

    assert cache.size > sum(map(sys.getsizeof, key[1]))


def test_a_piece_takes_the_room_that_it_is_counted_with() -> None:
    """And not that of the buffer which orjson wrote it in."""
    cache = PieceCache(10_000_000)
    tracemalloc.start()
    try:
        for number in range(100):
            cache.keep((number, "Order"), orjson.dumps({"text": "x" * 1_000}))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 1.5 * cache.size


def test_a_piece_that_replaces_another_is_counted_once() -> None:
    cache = PieceCache(10_000)
    cache.keep("a", b"x" * 10)
    cache.keep("a", b"x" * 20)

    assert cache.size == entry_bytes("a", b"x" * 20)


def test_a_piece_larger_than_the_cache_is_not_kept() -> None:
    cache = PieceCache(entry_bytes("a", b""))
    cache.keep("a", b"x")

    assert cache.find("a") is None
    assert cache.size == 0
