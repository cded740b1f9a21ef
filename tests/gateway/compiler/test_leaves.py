"""Scalars and enums: every value is answered as `serialize` has it, or the run is given up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from typing import Any, NewType
from uuid import UUID

import pytest
import strawberry
from graphql import Undefined, parse
from strawberry.schema.config import StrawberryConfig

from tests.gateway.compiler.reference import answer, compiled, reference


@strawberry.enum
class Colour(Enum):
    RED = "red"
    GREEN = strawberry.enum_value("green", name="GRASS")


@strawberry.enum
class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Unpublished(Enum):
    RED = "red"


class Word(StrEnum):
    RED = "red"


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Real(float):
    pass


class Index:
    def __index__(self) -> int:
        return 4


class Named:
    def __str__(self) -> str:
        return "named"


Tag = NewType("Tag", object)


def write_tag(value: Any) -> Any:
    """Null for some values, which is an error of its own, and something odd for others."""
    return {"": None, "text": Undefined, "1": {"deep": [1, None]}}.get(value, value)


@strawberry.type
class Leaves:
    text: str | None
    id: strawberry.ID | None
    number: int | None
    real: float | None
    flag: bool | None
    colour: Colour | None
    level: Level | None
    at: datetime | None
    day: date | None
    clock: time | None
    price: Decimal | None
    uuid: UUID | None
    tag: Tag | None


@strawberry.type
class Required:
    text: str
    id: strawberry.ID
    number: int
    real: float
    flag: bool
    colour: Colour
    level: Level
    at: datetime
    day: date
    clock: time
    price: Decimal
    uuid: UUID
    tag: Tag


@strawberry.type
class Query:
    nullable: Leaves
    required: Required
    texts: list[str | None] | None
    reals: list[float] | None
    colours: list[Colour | None] | None


@dataclass
class Anything:
    """Has the same value under every name."""

    value: Any

    def __getattribute__(self, name: str) -> Any:
        value = object.__getattribute__(self, "value")
        return value if name in FIELDS else object.__getattribute__(self, name)


FIELDS = list(Leaves.__annotations__)

VALUES: list[Any] = [
    *(None, Undefined, True, False, 0, 1, -1, 2, 7.0, 1.5, -0.0, 1e300, math.inf, -math.inf, math.nan),
    *(2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**53 + 1, 2**64, 10**400),
    *("", "text", "1", "1.5", "-7", "red", "RED", "GRASS", "\ud800", "ü𝄞\u2028", Text("text"), b"bytes"),
    *(Number(3), Real(2.5), Real(math.nan), Index(), Named(), Fraction(1, 2), Fraction(4, 2), 1j),
    *(Decimal("1.50"), Decimal("NaN"), Decimal(3), Decimal("1E+3")),
    *(Colour.RED, Colour.GREEN, Level.LOW, Level.HIGH, Unpublished.RED, Word.RED),
    *(datetime(2025, 6, 4, 12), datetime(2025, 6, 4, 12, 0, 0, 5, tzinfo=UTC), date(2025, 6, 4), time(12)),
    *(UUID(int=5), object(), object, [], ["text"], {}, {"a": 1}, (), ValueError("a value"), KeyboardInterrupt("odd")),
]

TAG: Any = strawberry.scalar(name="Tag", serialize=write_tag, parse_value=write_tag)

schema = strawberry.Schema(Query, config=StrawberryConfig(scalar_map={Tag: TAG}))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__}-{value!r:.20}")
@pytest.mark.parametrize("kind", ["nullable", "required"])
async def test_a_leaf_is_answered_as_it_is_serialized(kind: str, value: Any) -> None:
    root = {"nullable": Anything(value), "required": Anything(value)}
    for name in FIELDS:
        document = parse(f"{{ {kind} {{ {name} }} }}")
        query = Query(**root, texts=None, reals=None, colours=None)  # type: ignore[arg-type]

        expected = await reference(schema, document, {}, None, query)
        given = await answer(compiled(schema, document), {}, None, query)

        if value is Undefined:
            assert given.data is None  # given up, and nothing else
        else:
            assert given.data == expected.data, name


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__}-{value!r:.20}")
async def test_so_are_the_items_of_a_list(value: Any) -> None:
    document = parse("{ texts reals colours }")
    for name, usual in (("texts", "text"), ("reals", 0.5), ("colours", Colour.RED)):
        lists: dict[str, Any] = {"texts": None, "reals": None, "colours": None, name: [usual, value]}
        query = Query(nullable=None, required=None, **lists)  # type: ignore[arg-type]

        expected = await reference(schema, document, {}, None, query)
        given = await answer(compiled(schema, document), {}, None, query)

        if value is Undefined:
            assert given.data is None
        else:
            assert given.data == expected.data, name


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__}-{value!r:.20}")
async def test_a_list_is_what_graphql_core_takes_for_one(value: Any) -> None:
    document = parse("{ texts }")
    query = Query(nullable=None, required=None, texts=value, reals=None, colours=None)  # type: ignore[arg-type]

    expected = await reference(schema, document, {}, None, query)
    given = await answer(compiled(schema, document), {}, None, query)

    if value is Undefined:
        assert given.data is None
    else:
        assert given.data == expected.data
