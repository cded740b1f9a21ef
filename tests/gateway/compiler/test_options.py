"""What an application may say of its schema: values for orjson, resolvers that only read, plain classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import strawberry
from graphql import parse
from strawberry.schema.config import StrawberryConfig

from gateway.compiler import Exact, GivenUp, Native, Options, Program, reads
from tests.gateway.compiler.reference import compiled

serialized: list[object] = []
"""The values that went through `serialize`."""


def write_time(value: datetime) -> str:
    serialized.append(value)
    if value.tzinfo is None:
        raise ValueError("no instant")
    return value.isoformat()


@dataclass
class Details:
    """What is known of a thing; counts how often its name is read."""

    title: str | None = "title"
    pages: int | None = 3
    names_read: int = 0

    @property
    def name(self) -> str:
        self.names_read += 1
        return "name"


@dataclass
class Thing:
    details: Details | None = field(default_factory=Details)
    reads: int = 0


def read_through(member: str) -> Callable[[Any], Any]:
    """A resolver that would be found out if it were called."""

    @reads(member)
    def resolve(root: Any) -> Any:
        raise AssertionError(f"called for {member} of {root}")

    return resolve


@strawberry.type(name="Moment")
class PublishedMoment:
    at: datetime | None


@strawberry.type
class Query:
    at: datetime | None = None
    moment: PublishedMoment | None = None
    thing: strawberry.Private[Thing] = strawberry.field(default_factory=Thing)
    title: str | None = strawberry.field(resolver=read_through("thing.details.title"))
    pages: int = strawberry.field(resolver=read_through("thing.details.pages"))
    has_details: str | None = strawberry.field(resolver=read_through("thing.details.name"))


@strawberry.type
class Item:
    text: str


@strawberry.type
class Rows:
    items: list[Item]


schema = strawberry.Schema(
    Query,
    config=StrawberryConfig(
        scalar_map={datetime: strawberry.scalar(name="Time", serialize=write_time, parse_value=lambda value: value)}
    ),
)

NOON = datetime(2025, 6, 4, 12, tzinfo=UTC)


def program(text: str, **options: Any) -> Program:
    return compiled(schema, parse(text), Options(**options))


@pytest.mark.parametrize(
    "native",
    [datetime, Exact(datetime), Exact(datetime, given=("tzinfo",)), lambda value: value.tzinfo is not None],
)
async def test_native_values_are_left_to_orjson(native: Native) -> None:
    serialized.clear()

    answer = await program("{ at }", native={"Time": native}).run(None, None, Query(at=NOON))

    assert answer == b'{"at":"2025-06-04T12:00:00+00:00"}'
    assert not serialized


@pytest.mark.parametrize("native", [Exact(datetime, given=("tzinfo",)), lambda value: value.tzinfo is not None])
async def test_other_values_go_through_serialize(native: Native) -> None:
    with pytest.raises(GivenUp) as given_up:
        await program("{ at }", native={"Time": native}).run(None, None, Query(at=NOON.replace(tzinfo=None)))

    assert str(given_up.value.__cause__) == "no instant"


@dataclass
class Moment:
    """Annotated in two ways, of which an option may say what either promises."""

    at: datetime | None = None


@pytest.mark.parametrize(("annotated", "is_sure"), [(datetime, True), (None, False), (str, False)])
async def test_an_annotation_may_tell_that_a_value_is_native(annotated: object, is_sure: bool) -> None:
    native = Exact(datetime, given=("tzinfo",), annotated=annotated)

    source = program("{ moment { at } }", native={"Time": native}, records={"Moment": Moment}).source

    assert ("tzinfo" not in source) is is_sure


async def test_null_stays_null_with_native_values() -> None:
    assert await program("{ at }", native={"Time": datetime}).run(None, None, Query()) == b'{"at":null}'


async def test_a_resolver_that_reads_is_not_called() -> None:
    assert await program("{ title pages }").run(None, None, Query()) == b'{"title":"title","pages":3}'


async def test_what_is_read_through_nothing_is_null() -> None:
    root = Query(thing=Thing(details=None))

    assert await program("{ title hasDetails }").run(None, None, root) == b'{"title":null,"hasDetails":null}'
    with pytest.raises(GivenUp):
        await program("{ pages }").run(None, None, root)


async def test_what_several_fields_are_read_through_is_read_once() -> None:
    source = program("{ title pages hasDetails }").source

    assert source.count(".thing") == 1
    assert source.count(".details") == 1


async def test_objects_with_a_getattr_are_known_by_their_class_when_it_is_plain() -> None:
    asked: list[str] = []

    class Model:
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            raise AttributeError(name)

    class Row(Model):
        text = "row"

    rows = strawberry.Schema(Rows)
    root = Rows(items=[Row(), Row(), Row()])  # type: ignore[list-item]

    await compiled(rows, parse("{ items { text } }"), Options(plain=(Model,))).run(None, None, root)
    asked_of_plain = len(asked)
    await compiled(rows, parse("{ items { text } }")).run(None, None, root)

    assert asked_of_plain == 1
    assert len(asked) == asked_of_plain + 3
