"""Records: classes whose instances are read by their `__dict__`, and taken for what they are annotated with."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Any

import pytest
import strawberry
from graphql import parse
from pydantic import AwareDatetime, BaseModel, ConfigDict

from gateway.compiler import GivenUp, Options, Program, reads
from gateway.compiler.records import Promise, is_record, promise_of, stands_in_dict
from tests.gateway.compiler.reference import compiled, reference


class Colour(StrEnum):
    RED = "r"
    BLUE = "b"


class Shade(Enum):
    DARK = "d"


strawberry.enum(Colour)
strawberry.enum(Shade)


class Model(BaseModel):
    model_config = ConfigDict(frozen=True)

    text: str = "text"
    nothing: str | None = None
    number: int = 3
    colour: Colour | None = Colour.RED
    shade: Shade = Shade.DARK
    child: Model | None = None

    @property
    def made_up(self) -> str:
        return f"made of {self.text}"


class Loose(BaseModel):
    text: Any = "text"


class Changed(Model):
    """Of the same members, and another class."""


def through(member: str) -> Any:
    owner, _, last = member.partition(".")

    @reads(member)
    def resolve(root: Any) -> Any:
        model = getattr(root, owner)
        return None if model is None else getattr(model, last)

    return strawberry.field(resolver=resolve)


@strawberry.type
class Thing:
    text: str
    nothing: str | None
    number: int
    colour: Colour | None
    shade: Shade
    made_up: str
    child: Thing | None


@strawberry.type
class Owner:
    model: strawberry.Private[Model | None]
    text: str = through("model.text")
    nothing: str | None = through("model.nothing")
    shade: Shade = through("model.shade")
    colour: Colour | None = through("model.colour")


@strawberry.type
class Query:
    thing: Thing | None = None
    owner: Owner | None = None


schema = strawberry.Schema(Query)

RECORDS: Mapping[str, type] = {"Thing": Model, "Owner.model": Model}
THING = "{ thing { text nothing number colour shade madeUp child { text } } }"
OWNER = "{ owner { text nothing shade colour } }"


def program(text: str, records: Mapping[str, type] = RECORDS) -> Program:
    return compiled(schema, parse(text), Options(plain=(BaseModel,), records=records))


def root(thing: Any = None, model: Any = None) -> Query:
    return Query(thing=thing, owner=Owner(model=model))


@pytest.mark.parametrize("text", [THING, OWNER])
@pytest.mark.parametrize("model", [Model(), Model(nothing="something", colour=None, child=Model(text="inner"))])
async def test_a_record_is_answered_as_graphql_core_answers_it(text: str, model: Model) -> None:
    source = root(model, model)
    expected = await reference(schema, parse(text), {}, None, source)

    assert not expected.errors
    assert await program(text).run(None, None, source) == expected.data


def test_members_are_read_in_the_dict() -> None:
    source = program(THING).source

    assert ".text" not in source
    assert "['text']" in source
    assert ".made_up" in source  # it is a property, and stands in no dict


@pytest.mark.parametrize("other", [Changed(), object()])
async def test_an_object_of_another_class_is_given_up(other: object) -> None:
    for text, source in ((THING, root(other)), (OWNER, root(None, other))):
        with pytest.raises(GivenUp, match="Odd"):
            await program(text).run(None, None, source)


async def test_of_an_owner_that_is_not_there_all_is_null() -> None:
    answer = await program("{ owner { nothing colour a: nothing } }").run(None, None, root())

    assert answer == b'{"owner":{"nothing":null,"colour":null,"a":null}}'


@pytest.mark.parametrize("field", ["text", "shade"])
async def test_what_may_not_be_null_is_not_null_for_want_of_an_owner(field: str) -> None:
    with pytest.raises(GivenUp):
        await program(f"{{ owner {{ {field} nothing colour }} }}").run(None, None, root())


async def test_a_number_is_looked_at_though_it_is_annotated() -> None:
    """GraphQL's `Int` has bounds that Python's has not."""
    with pytest.raises(GivenUp):
        await program(THING).run(None, None, root(Model(number=2**31)))


async def test_a_member_of_no_promise_is_looked_at() -> None:
    loose = program("{ thing { text } }", {"Thing": Loose})

    assert await loose.run(None, None, root(Loose())) == b'{"thing":{"text":"text"}}'
    with pytest.raises(GivenUp):
        await loose.run(None, None, root(Loose(text=object())))


class Own:
    def __getattribute__(self, name: str) -> Any:
        return object.__getattribute__(self, name)


class Slots:
    __slots__ = ("text",)


class Waits:
    def __await__(self) -> Any:
        yield


@pytest.mark.parametrize("cls", [Own, Slots, Waits, ValueError])
def test_classes_that_are_no_records(cls: type) -> None:
    assert is_record(Model)
    assert not is_record(cls)


def test_what_the_class_answers_before_the_dict_is_asked_of_the_object() -> None:
    assert stands_in_dict(Model, "text")
    assert not stands_in_dict(Model, "made_up")


def test_what_a_class_promises() -> None:
    assert promise_of(Model, "text") == Promise(str, may_be_none=False)
    assert promise_of(Model, "colour") == Promise(Colour, may_be_none=True)
    assert promise_of(Model, "made_up") is None
    assert promise_of(_Timed, "at") == Promise(AwareDatetime, may_be_none=True)
    assert promise_of(_Timed, "either") is None


class _Timed(BaseModel):
    at: AwareDatetime | None = None
    either: int | str = 1
