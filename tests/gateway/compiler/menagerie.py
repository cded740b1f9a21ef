"""A schema that has everything the compiler has to know, over data that a seed makes, odd values and all.

Every object is made before a run, so what it answers does not depend on the order in which it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from random import Random
from typing import Annotated, Any, NewType

import strawberry
from graphql import Undefined
from strawberry import Info
from strawberry.extensions import FieldExtension
from strawberry.schema.config import StrawberryConfig

from gateway.compiler import reads

Tag = NewType("Tag", object)
"""A scalar whose serializer refuses some values and answers null for others."""


def write_tag(value: Any) -> Any:
    if value == "refused":
        raise ValueError("this tag is refused")
    return None if value == "" else {"tag": value}


@strawberry.enum
class Colour(Enum):
    RED = "red"
    GREEN = strawberry.enum_value("green", name="GRASS")
    BLUE = 3


@strawberry.enum
class Rank(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass(frozen=True)
class Raises:
    """Stands for a value: reading it raises."""

    message: str


@dataclass(frozen=True)
class Awaited:
    """Stands for a value: a function that is none of `async` answers a coroutine of it."""

    value: Any


def give(value: Any) -> Any:
    """What a resolver does with a value of the data."""
    if isinstance(value, Raises):
        raise ValueError(value.message)
    if isinstance(value, Awaited):
        return _later(value.value)
    return value


async def _later(value: Any) -> Any:
    return give(value)


class Shouting(FieldExtension):
    """Changes what a field answers, so a compiler that went past it would be found out."""

    def resolve(self, next_: Callable[..., Any], source: Any, info: Info, **kwargs: Any) -> Any:
        value = next_(source, info, **kwargs)
        return value.upper() if isinstance(value, str) else value


@strawberry.input
class Within:
    low: int = 0
    high: int | None = None


@strawberry.input
class Wish:
    name: str | None = strawberry.UNSET
    colour: Colour | None = Colour.RED
    within: Within | None = None
    any_of: list[Wish | None] | None = None
    tags: list[str] = strawberry.field(default_factory=lambda: ["a", "b"])


@dataclass
class Facts:
    """Values under names, for members that are read through an owner."""

    motto: Any = None
    weight: Any = None
    deeper: Any = None


@strawberry.interface
class Node:
    key: strawberry.Private[Any]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return give(self.key)


@strawberry.interface
class Creature(Node):
    name: str
    colour: Colour | None
    age: int | None
    friends: list[Creature | None] | None
    facts: strawberry.Private[Any]

    @strawberry.field
    def where(self, info: Info, loud: bool = False) -> str:
        """Tells all that `info` says, so an `info` that differs is found out."""
        return told(info) + str(loud)

    @strawberry.field
    async def best_friend(self) -> Creature | None:
        found = self.friends
        return give(found[0]) if isinstance(found, list) and found else None

    @strawberry.field
    async def path(self, info: Info) -> str:
        return told(info)

    @strawberry.field
    def echo(
        self, wish: Wish | None = None, times: int = 2, names: list[str] | None = None, colour: Colour = Colour.BLUE
    ) -> str:
        return repr((wish, times, names, colour))

    motto: str | None = strawberry.field(
        resolver=reads("facts.motto")(lambda root: None if root.facts is None else root.facts.motto)
    )
    weight: float = strawberry.field(
        resolver=reads("facts.weight")(lambda root: None if root.facts is None else root.facts.weight)
    )
    deep_motto: str | None = strawberry.field(
        resolver=reads("facts.deeper.motto")(
            lambda root: None if root.facts.deeper is None else root.facts.deeper.motto
        )
    )


@strawberry.type
class Cat(Creature):
    lives: int
    home: Box | None


@strawberry.type
class Dog(Creature):
    tricks: list[str | None]
    owner: Annotated[Owner | None, strawberry.lazy("tests.gateway.compiler.menagerie")]


class Feathers:
    """What a bird is made of: no Strawberry type, so `is_type_of` tells."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


@strawberry.type
class Bird(Creature):
    span: float | None

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        assert info.path.key is not None
        return isinstance(obj, Feathers | Bird)


@strawberry.type
class Stone(Node):
    grams: float | None
    tag: Tag | None
    cut_at: datetime | None
    price: Decimal | None


@strawberry.type
class Owner:
    name: str
    rank: Rank | None
    pets: list[Pet] | None


@strawberry.type
class Box:
    matrix: list[list[int]]
    ragged: list[list[int | None] | None] | None
    flag: bool | None
    share: float
    tags: list[Tag] | None
    things: list[Thing] | None
    inner: Box | None

    @strawberry.field
    def shelves(self) -> list[list[Thing | None]]:
        return give(self.__dict__["layers"])

    @strawberry.field
    async def slow_things(self) -> list[Thing] | None:
        return give(self.things)

    @strawberry.field
    async def slow_box(self) -> Box:
        return give(self.inner)

    @strawberry.field(extensions=[Shouting()])
    def label(self, prefix: str = "no. ") -> str | None:
        text = give(self.__dict__["text"])
        return prefix + text if isinstance(text, str) else text

    @strawberry.field
    def count(self, root: Any, info: Info, step: Annotated[int | None, strawberry.argument(name="by")] = None) -> int:
        assert root is self
        return len(info.field_name) + (step or 0)

    @strawberry.field
    def wrapped(self) -> str | None:
        return give(self.__dict__["text"])

    @strawberry.field
    async def slow_wrapped(self) -> str | None:
        return give(self.__dict__["text"])

    layers: strawberry.Private[Any]
    text: strawberry.Private[Any]


Pet = Annotated[Cat | Dog | Bird, strawberry.union("Pet")]
Thing = Annotated[Cat | Stone | Box, strawberry.union("Thing")]


@strawberry.type
class Query:
    node: Node | None
    creature: Creature
    creatures: list[Creature]
    pet: Pet | None
    things: list[Thing | None] | None
    box: Box | None

    @strawberry.field
    async def find(self, info: Info, by: Wish, first: int = 3) -> list[Creature | None] | None:
        del by
        assert told(info)
        found = give(self.creatures)
        return found[:first] if isinstance(found, list) else found

    @strawberry.field
    def say(
        self, word: str = "hello", n: int | None = None, x: float | None = None, id: strawberry.ID | None = None
    ) -> str:
        return repr((word, n, x, id))

    @strawberry.field
    def tagged(self, tag: Tag | None = None) -> str:
        return repr(tag)


def told(info: Info) -> str:
    """All that a resolver can see of the operation."""
    raw = info._raw_info
    names = []
    path: Any = raw.path
    while path:
        names.append((path.key, path.typename))
        path = path.prev
    keys = [
        selection.name for field in info.selected_fields for selection in field.selections if hasattr(selection, "name")
    ]
    return repr(
        (
            names,
            info.field_name,
            info.python_name,
            str(raw.return_type),
            raw.parent_type.name,
            len(raw.field_nodes),
            keys,
            sorted(raw.fragments),
            info.root_value is raw.root_value,
            info.variable_values,
            raw.operation.operation.value,
            type(raw).__name__,
            info.context,
        )
    )


def new_schema() -> strawberry.Schema:
    """The schema, with two resolvers wrapped as an application may that knows nothing of the compiler."""
    made = strawberry.Schema(
        query=Query,
        types=[Cat, Dog, Bird, Stone],
        config=StrawberryConfig(
            scalar_map={Tag: strawberry.scalar(name="Tag", serialize=write_tag, parse_value=lambda value: value)}
        ),
    )
    _wrap(made, "Box", "wrapped")
    _wrap(made, "Box", "slowWrapped")
    return made


def _wrap(schema: strawberry.Schema, type_name: str, field_name: str) -> None:
    field: Any = schema._schema.type_map[type_name].fields[field_name]  # type: ignore[attr-defined]
    resolve = field.resolve

    def wrapper(source: Any, info: Any, **arguments: Any) -> Any:
        return resolve(source, info, **arguments)

    field.resolve = wrapper


schema = new_schema()


class Data:
    """The data of one seed. `oddity` is the share of values that are not what their field promises.

    `awkward` values are such that graphql-core takes and the compiler may give up on.
    """

    def __init__(self, seed: int, oddity: float, awkward: bool = False) -> None:
        self._random = Random(seed)  # noqa: S311  # no secrets: the same data for the same seed
        self._oddity = oddity
        self._awkward = awkward

    def query(self) -> Query:
        return Query(
            node=self._node(3),
            creature=self._creature(3),
            creatures=self._list(lambda: self._creature(2)),
            pet=self._creature(2),
            things=self._list(lambda: self._nullable(lambda: self._thing(2))),
            box=self._nullable(lambda: self._box(3)),
        )

    def _value(self, usual: Any, *odd: Any) -> Any:
        """`usual`, or now and then one of `odd` or of what is odd anywhere."""
        if self._random.random() >= self._oddity:
            return usual
        anywhere = [None, Raises("no"), ValueError("a value"), object(), "text", 7, [], {}, True]
        awkward = [Undefined, Awaited(usual)] if self._awkward else []
        return self._random.choice(self._random.choice([odd or anywhere, [*anywhere, *awkward]]))

    def _plain(self, usual: Any, *odd: Any) -> Any:
        """A value that no resolver gives: one that is only read."""
        value = self._value(usual, *odd)
        return None if isinstance(value, Raises | Awaited) else value

    def _nullable(self, make: Callable[[], Any]) -> Any:
        return make() if self._random.random() < 0.8 else None

    def _list(self, make: Callable[[], Any]) -> Any:
        items = [make() for _ in range(self._random.randrange(4))]
        kinds: list[Callable[[Any], Any]] = [list, list, list, tuple, _Items, dict.fromkeys]
        kind = self._random.choice(kinds if self._oddity else kinds[:-1])
        try:
            return kind(items)
        except TypeError:  # unhashable
            return items

    def _thing(self, depth: int) -> Any:
        make = self._random.choice([self._cat, self._stone, self._box])
        return self._plain(make(depth), self._dog(0))

    def _node(self, depth: int) -> Any:
        return self._plain(self._random.choice([self._stone, self._creature])(depth), self._box(0))

    def _creature(self, depth: int) -> Any:
        make = self._random.choice([self._cat, self._dog, self._bird])
        return self._plain(make(depth), self._stone(0))

    def _creatures(self, depth: int) -> Any:
        if depth <= 0:
            return self._random.choice([None, []])
        return self._plain(self._list(lambda: self._nullable(lambda: self._creature(depth - 1))))

    def _common(self, depth: int) -> dict[str, Any]:
        r = self._random
        return {
            "key": self._value(r.choice(["a", "b", strawberry.ID("c")]), 12, 1.5, Rank.LOW),
            "name": self._plain(r.choice(["Tom", "", "ü€𝄞", '"\\\n']), 5, 1.5, _Text("subclass"), "\ud800"),
            "colour": self._plain(r.choice([*Colour, None]), "RED", "red", Rank.LOW),
            "age": self._plain(r.choice([0, -3, 2**31 - 1, None]), 2**31, 1.0, 1.5, "12", Decimal(4), float("nan")),
            "friends": self._creatures(depth),
            "facts": self._plain(self._facts()),
        }

    def _facts(self) -> Facts | None:
        r = self._random
        deeper = r.choice([None, Facts(motto="deep")])
        return r.choice([Facts("carpe", self._plain(1.5, 1, "2", float("inf")), deeper), Facts(None, 0.0, deeper)])

    def _cat(self, depth: int) -> Any:
        home = self._nullable(lambda: self._box(depth - 1)) if depth > 0 else None
        return Cat(**self._common(depth), lives=self._plain(9, "x", False), home=self._plain(home))

    def _dog(self, depth: int) -> Any:
        owner = self._nullable(lambda: self._owner(depth - 1)) if depth > 0 else None
        tricks = self._plain(self._list(lambda: self._plain(self._random.choice(["sit", None]))))
        return Dog(**self._common(depth), tricks=tricks, owner=self._plain(owner))

    def _bird(self, depth: int) -> Any:
        kind = self._random.choice([Bird, Bird, _feathered])
        return kind(**self._common(depth), span=self._plain(self._random.choice([0.5, -0.0, 1e300, None]), 3))

    def _stone(self, depth: int) -> Any:
        del depth
        r = self._random
        at = datetime(2025, 6, 4, 16, 26, r.randrange(60), r.choice([0, 5]), tzinfo=r.choice([UTC, _BERLIN]))
        return Stone(
            key=self._value("stone"),
            grams=self._plain(r.choice([1.25, None])),
            tag=self._plain(r.choice([Tag("t"), Tag(3), None]), "refused", "", UTC),
            cut_at=self._plain(r.choice([at, None]), at.replace(tzinfo=None)),
            price=self._plain(r.choice([Decimal("1.50"), None]), 2),
        )

    def _owner(self, depth: int) -> Any:
        pets = self._list(lambda: self._creature(depth - 1)) if depth > 0 else None
        return Owner(name=self._plain("Ann"), rank=self._plain(self._random.choice([*Rank, None]), 2, 9), pets=pets)

    def _box(self, depth: int) -> Any:
        r = self._random
        things = self._plain(self._list(lambda: self._thing(depth - 1))) if depth > 0 else None
        layers = [self._list(lambda: self._nullable(lambda: self._thing(depth - 2)))] if depth > 1 else []
        return Box(
            matrix=self._plain(self._list(lambda: self._plain([self._plain(1, "2", 2**40), 2]))),
            ragged=self._plain(r.choice([None, [None, [1, None]], ()])),
            flag=self._plain(r.choice([True, False, None]), 1, 0.0, "yes"),
            share=self._plain(0.5, 1, Decimal("0.25"), float("-inf")),
            tags=self._plain(r.choice([None, [Tag("x")]]), [Tag("")]),
            things=things,
            inner=self._nullable(lambda: self._box(depth - 1)) if depth > 0 else None,
            layers=self._value(layers),
            text=self._value(r.choice(["text", None]), 3),
        )


_BERLIN = timezone(timedelta(hours=2))


class _Text(str):
    """A string of a class of its own."""

    __slots__ = ()


class _Items:
    """Items of a list that is neither a list nor a tuple, and can be read again."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)


def _feathered(**values: Any) -> Feathers:
    """A bird of no Strawberry type: its resolvers are found by attribute alone."""
    return Feathers(**values)
