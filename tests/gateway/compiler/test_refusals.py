"""What is not compiled, and what a run gives up on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import strawberry
from graphql import build_schema, parse

from gateway.compiler import Compiler, GivenUp, NotCompilable, reads
from tests.gateway.compiler.reference import operation_of


@strawberry.type
class Query:
    text: str = "text"
    number: int | None = None
    items: list[str | None] | None = None

    @strawberry.field
    def broken(self) -> str | None:
        raise ValueError("broken")

    @strawberry.field
    def sized(self, size: int = 1) -> int:
        return size

    @strawberry.field
    def again(self) -> Query:
        return self

    @strawberry.field
    async def counted(self) -> AsyncIterator[int]:  # type: ignore[misc]
        yield 1


@strawberry.type
class Mutation:
    @strawberry.mutation
    def change(self) -> str:
        return "changed"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def changes(self) -> AsyncIterator[str]:
        yield "change"


schema = strawberry.Schema(Query, Mutation, Subscription)
compiler = Compiler(schema._schema)


@pytest.mark.parametrize(
    "text",
    [
        "mutation { change }",
        "subscription { changes }",
        "{ __schema { queryType { name } } }",
        '{ __type(name: "Query") { name } }',
        '{ ...F } fragment F on Query { __type(name: "Query") { name } }',
        "{ text @unknown }",
        "{ ... @defer { text } }",
        "{ items @stream(initialCount: 1) }",
        "query @unknown { text }",
        "{ ...F } fragment F on Query @unknown { text }",
        "query ($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!, $e: Boolean!) { text @skip(if: $a) "
        "b: text @skip(if: $b) c: text @skip(if: $c) d: text @skip(if: $d) e: text @skip(if: $e) }",
        "{ counted }",
        "{ nothingOfTheKind }",
        "query ($x: Query) { text }",
    ],
)
def test_not_compiled(text: str) -> None:
    document = parse(text)

    with pytest.raises(NotCompilable):
        compiler.compile(document, operation_of(document))


def test_a_document_that_is_nested_too_deeply_for_python_is_not_compiled() -> None:
    document = parse("{ again " * 190 + "{ text }" + " }" * 190)

    with pytest.raises(NotCompilable):
        compiler.compile(document, operation_of(document))


def test_a_document_that_would_take_too_many_functions_is_not_compiled() -> None:
    one = "{ again { " + " ".join(f"a{number}: again {{ text }}" for number in range(1_100)) + " } }"
    document = parse(one)

    with pytest.raises(NotCompilable):
        compiler.compile(document, operation_of(document))


def test_a_schema_that_strawberry_did_not_make_is_refused() -> None:
    with pytest.raises(TypeError):
        Compiler(build_schema("type Query { text: String }"))


@pytest.mark.parametrize("member", ["", "a..b", "a b", "a.1", "__import__('os')"])
def test_a_member_that_is_no_dotted_name_is_refused(member: str) -> None:
    with pytest.raises(ValueError, match="no dotted member"):
        reads(member)


@pytest.mark.parametrize(
    ("text", "variables", "root"),
    [
        ("{ broken }", {}, Query()),
        ("{ text }", {}, Query(text=None)),  # type: ignore[arg-type]
        ("{ number }", {}, Query(number="many")),  # type: ignore[arg-type]
        ("{ number }", {}, Query(number=2**31)),
        ("{ items }", {}, Query(items="text")),  # type: ignore[arg-type]
        ("{ items }", {}, Query(items=[ValueError("an item")])),  # type: ignore[list-item]
        ("{ text }", {}, None),
        ("query ($n: Int!) { sized(size: $n) }", {}, Query()),
        ("query ($n: Int!) { sized(size: $n) }", {"n": "one"}, Query()),
        ("query ($n: Int!) { sized(size: $n) }", {"n": 2**31}, Query()),
    ],
)
async def test_given_up(text: str, variables: dict[str, Any], root: object) -> None:
    document = parse(text)
    program = compiler.compile(document, operation_of(document))

    with pytest.raises(GivenUp) as given_up:
        await program.run(None, variables, root)
    assert given_up.value.__cause__ is not None
