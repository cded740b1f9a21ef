"""Programs: what they tell of themselves, their variants, and the order of what they answer."""

from __future__ import annotations

import asyncio
import json
from enum import Enum
from itertools import product
from typing import Any

import pytest
import strawberry
from graphql import parse

from gateway.compiler import Compiler, GivenUp, Options, Program
from gateway.compiler.program import MOST_VARIANTS
from gateway.compiler.strawberry_own import (
    field_definition,
    is_own_resolver,
    is_own_type_check,
    is_own_type_resolver,
)
from tests.gateway.compiler.reference import compiled, operation_of


@strawberry.enum
class Size(Enum):
    SMALL = "s"
    LARGE = strawberry.enum_value("l", name="BIG")


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Inner(Named):
    size: Size
    numbers: list[list[int | None]]


@strawberry.type
class Other(Named):
    other: bool = True


@strawberry.type
class Query:
    @strawberry.field
    def echo(self, text: str) -> str:
        return text

    @strawberry.field
    def inner(self) -> Inner:
        return Inner(name="inner", size=Size.LARGE, numbers=[[1, None], []])

    @strawberry.field
    def named(self) -> list[Named]:
        return [Inner(name="one", size=Size.SMALL, numbers=[]), Other(name="two")]

    @strawberry.field
    def either(self, first: bool) -> Inner | Other:
        return Inner(name="one", size=Size.SMALL, numbers=[]) if first else Other(name="two")


schema = strawberry.Schema(Query)


def program(text: str) -> Program:
    return compiled(schema, parse(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ inner { name size numbers } }", b'{"inner":{"name":"inner","size":"BIG","numbers":[[1,null],[]]}}'),
        ("{ b: inner { name } a: inner { n: name } }", b'{"b":{"name":"inner"},"a":{"n":"inner"}}'),
        ("{ inner { name } inner { size name } }", b'{"inner":{"name":"inner","size":"BIG"}}'),
        ("{ __typename inner { t: __typename } }", b'{"__typename":"Query","inner":{"t":"Inner"}}'),
        (
            "{ named { ... on Other { other } name ...I } } fragment I on Inner { size }",
            b'{"named":[{"name":"one","size":"SMALL"},{"other":true,"name":"two"}]}',
        ),
        ("{ either(first: false) { ... on Inner { name } } }", b'{"either":{}}'),
        ("{ inner { name @skip(if: true) size @include(if: true) } }", b'{"inner":{"size":"BIG"}}'),
        ("{ ... { inner { ... on Named { name } } } }", b'{"inner":{"name":"inner"}}'),
    ],
)
async def test_answers(text: str, expected: bytes) -> None:
    assert await program(text).run(None, None) == expected


def test_coordinates_are_those_of_each_possible_type() -> None:
    selected = program("query ($c: Boolean!) { named { name ... on Inner { size @include(if: $c) } } }")

    assert selected.coordinates == {"Query.named", "Inner.name", "Inner.size", "Other.name"}


async def test_nothing_of_a_document_but_its_names_is_in_the_source() -> None:
    hostile = """\\"); raise SystemExit #'"""
    selected = program("query named { echo(text: %s) }" % json.dumps(hostile))  # noqa: UP031  # braces

    assert "SystemExit" not in selected.source
    assert json.loads(await selected.run(None, None)) == {"echo": hostile}


async def test_conditions_are_decided_by_each_run() -> None:
    selected = program("query ($a: Boolean!, $b: Boolean!) { inner { name @skip(if: $a) size @include(if: $b) } }")

    combinations = list(product([True, False], repeat=2))
    answers = {(a, b): await selected.run(None, {"a": a, "b": b}) for a, b in combinations * 2}

    assert answers == {
        (True, True): b'{"inner":{"size":"BIG"}}',
        (True, False): b'{"inner":{}}',
        (False, True): b'{"inner":{"name":"inner","size":"BIG"}}',
        (False, False): b'{"inner":{"name":"inner"}}',
    }


async def test_a_condition_that_is_null_gives_the_run_up() -> None:
    selected = program("query ($a: Boolean = true) { inner { name @skip(if: $a) } }")

    assert await selected.run(None, {}) == b'{"inner":{}}'
    with pytest.raises(GivenUp):
        await selected.run(None, {"a": None})


async def test_variants_are_bounded_and_their_memory_is_told() -> None:
    names = "abcd"
    definitions = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: name @skip(if: ${name})" for name in names)
    selected = program(f"query ({definitions}) {{ inner {{ {fields} }} }}")
    sizes = []
    for number in range(2 * 2 ** len(names)):
        values = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        await selected.run(None, values)
        sizes.append(selected.size)

    assert sizes[0] < sizes[2 ** len(names) - 1] == sizes[-1]
    assert len(selected._variants) == MOST_VARIANTS


@pytest.mark.parametrize("is_long", [True, False])
async def test_a_long_variant_is_made_beside_the_runs_that_need_it(is_long: bool) -> None:
    text = "query ($a: Boolean!) { inner { name @include(if: $a) size } }"
    document, is_made = parse(text), asyncio.Event()
    longest = len(program(text).source) - is_long
    compiler = Compiler(schema._schema, Options(longest_at_once=longest))
    selected = compiler.compile(document, operation_of(document), grown=is_made.set)

    for _ in range(2 * is_long):
        with pytest.raises(GivenUp):
            selected.begin(None, {"a": True})
    if is_long:
        await asyncio.wait_for(is_made.wait(), 10)

    assert selected.begin(None, {"a": True}) == b'{"inner":{"name":"inner","size":"BIG"}}'
    assert is_made.is_set()
    assert len(selected._variants) == 1


def test_strawberrys_own_functions_are_recognised() -> None:
    types: Any = schema._schema.type_map
    field = types["Query"].fields["inner"]
    definition = field_definition(field)
    assert definition is not None

    assert is_own_resolver(field.resolve, definition)
    assert is_own_resolver(types["Inner"].fields["name"].resolve, field_definition(types["Inner"].fields["name"]))  # type: ignore[arg-type]
    assert is_own_type_resolver(types["Named"].resolve_type)
    assert is_own_type_resolver(types["InnerOther"].resolve_type)
    assert is_own_type_check(types["Inner"].is_type_of)
    assert not is_own_resolver(types["Other"].fields["name"].resolve, definition)
    assert not is_own_resolver(lambda source, _info: source, definition)


async def test_a_resolver_of_another_field_is_called_as_it_is() -> None:
    @strawberry.type
    class Swapped:
        one: str = "one"
        two: str = "two"

    swapped = strawberry.Schema(Swapped)
    fields: Any = swapped._schema.type_map["Swapped"].fields  # type: ignore[attr-defined]
    fields["one"].resolve = fields["two"].resolve

    assert await compiled(swapped, parse("{ one two }")).run(None, None, Swapped()) == b'{"one":"two","two":"two"}'
