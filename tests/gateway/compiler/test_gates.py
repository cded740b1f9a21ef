"""Gates: who may see a field is asked once in a run, and the resolver behind a closed gate is not called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import strawberry
from graphql import parse

from gateway.compiler import REFUSED, Compiler, Gate, GivenUp, NotCompilable, Options, Program
from tests.gateway.compiler.reference import operation_of


@dataclass
class Asker:
    """A context: what it may see, and how often it was asked."""

    may: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)
    called: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Needs:
    """A gate that opens for those who hold `right`."""

    right: str
    otherwise: object = None

    def admits(self, context: Asker) -> bool:
        context.asked.append(self.right)
        return self.right in context.may


@strawberry.type
class Inner:
    name: str = "inner"

    @strawberry.field
    def secret(self, info: strawberry.Info[Asker]) -> str | None:
        info.context.called.append("secret")
        return "kept"


@strawberry.type
class Query:
    open: str = "open"

    @strawberry.field
    def text(self, info: strawberry.Info[Asker]) -> str | None:
        info.context.called.append("text")
        return "seen"

    @strawberry.field
    async def slow(self) -> str | None:
        return "seen"

    @strawberry.field
    def items(self) -> list[str]:
        return ["seen"]

    @strawberry.field
    def must(self) -> str:
        return "seen"

    @strawberry.field
    def inner(self) -> Inner:
        return Inner()

    @strawberry.field
    def missing(self) -> Inner | None:
        return None


schema = strawberry.Schema(Query)

GATES = {
    "Query.text": Needs("read"),
    "Query.slow": Needs("read"),
    "Query.items": Needs("read", otherwise=()),
    "Query.must": Needs("admin", otherwise=REFUSED),
    "Inner.secret": Needs("admin", otherwise=REFUSED),
}


def gate_of(type_name: str, field_name: str) -> Gate | None:
    return GATES.get(f"{type_name}.{field_name}")


def program(text: str, options: Options = Options(gates=gate_of)) -> Program:  # noqa: B008  # it is frozen
    document = parse(text)
    return Compiler(schema._schema, options).compile(document, operation_of(document))


@pytest.mark.parametrize("right", ["read", "other"])
async def test_a_gate_decides_what_is_resolved(right: str) -> None:
    asker = Asker(frozenset({right}))

    answer = await program("{ open text slow items }").run(asker, None, Query())

    seen = b'{"open":"open","text":"seen","slow":"seen","items":["seen"]}'
    masked = b'{"open":"open","text":null,"slow":null,"items":[]}'
    assert answer == (seen if right == "read" else masked)
    assert asker.called == (["text"] if right == "read" else [])


async def test_equal_gates_are_asked_once_in_a_run() -> None:
    asker = Asker(frozenset({"read"}))

    await program("{ text other: text slow }").run(asker, None, Query())

    assert asker.asked == ["read"]


async def test_one_program_serves_askers_of_different_rights() -> None:
    shared = program("{ text }")

    answers = [
        await shared.run(Asker(may), None, Query()) for may in (frozenset({"read"}), frozenset(), frozenset({"read"}))
    ]

    assert answers == [b'{"text":"seen"}', b'{"text":null}', b'{"text":"seen"}']


async def test_a_field_that_is_refused_gives_the_run_up() -> None:
    with pytest.raises(GivenUp):
        await program("{ open must }").run(Asker(), None, Query())


async def test_a_field_that_is_refused_is_no_matter_where_the_run_does_not_come() -> None:
    answer = await program("{ missing { secret } }").run(Asker(), None, Query())

    assert answer == b'{"missing":null}'


async def test_a_gate_stands_for_the_wrapper_around_a_resolver() -> None:
    wrapped: Any = schema._schema.type_map["Inner"].fields["name"]  # type: ignore[attr-defined]
    resolve, calls = wrapped.resolve, []
    wrapped.resolve = lambda source, info: calls.append(source) or resolve(source, info)
    try:
        opened = Options(gates=lambda _type, name: Needs("read") if name == "name" else None)
        answer = await program("{ inner { name } }", opened).run(Asker(frozenset({"read"})), None, Query())
    finally:
        wrapped.resolve = resolve

    assert answer == b'{"inner":{"name":"inner"}}'
    assert not calls


def test_a_gate_that_answers_values_of_its_own_is_not_compiled() -> None:
    closed = Options(gates=lambda _type, name: Needs("read", otherwise=("own",)) if name == "items" else None)

    with pytest.raises(NotCompilable):
        program("{ items }", closed)


def test_coordinates_are_those_of_everybody() -> None:
    assert program("{ text inner { secret } }").coordinates == {"Query.text", "Query.inner", "Inner.secret"}
