"""The compiler beside graphql-core, on generated documents, variables and data.

Where graphql-core has no errors, both answer the same bytes; where it has one, the compiler gives up. Each document of
hypothesis-graphql is written in several ways (`variation.py`) and asked of several sets of data (`menagerie.py`), some
of which hold nulls, exceptions, wrong types and odd shapes.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

import strawberry
from graphql import DocumentNode, GraphQLList, GraphQLNonNull, get_nullable_type, parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from gateway.compiler import REFUSED, Compiler, Options, PieceCache, Program
from tests.gateway.compiler.menagerie import Cat, Data, new_schema, schema
from tests.gateway.compiler.reference import answer, operation_of, reference
from tests.gateway.compiler.variation import Variation, object_types

SCHEMA: Final = schema._schema
CONTEXT: Final = "context"

DOCUMENTS: Final = 300
VARIATIONS: Final = 4
ODDITIES: Final = (0.0, 0.02, 0.2)
"""Shares of odd values in the data that each variation is asked of: 300 documents make some 3,200 comparisons."""

PLAIN: Final = Compiler(SCHEMA)


@dataclass(frozen=True)
class Case:
    """An operation, its variables and where its data come from."""

    document: DocumentNode
    variables: dict[str, Any]
    seed: int


def documents() -> Any:
    text = st.sampled_from(["x", "", "ü"]).map(nodes.String)
    return queries(SCHEMA, custom_scalars={"Tag": text})


def cases(text: str, seed: int) -> Iterator[Case]:
    """The valid ones of some ways to write a document."""
    written = parse(text)
    yield Case(written, {}, seed)
    for number in range(1, VARIATIONS):
        variation = Variation(SCHEMA, written, seed + number)
        if not validate(SCHEMA, variation.document):
            yield Case(variation.document, variation.variables, seed + number)


async def compare(case: Case, program: Program, oddity: float, awkward: bool = False) -> str:
    """Ask both, and tell what came of it. Fails where they differ."""
    root = Data(case.seed, oddity, awkward).query()
    expected = await reference(schema, case.document, case.variables, CONTEXT, root)
    given_answer = await answer(program, case.variables, CONTEXT, root)
    if awkward and given_answer.data is None:
        return "given up"
    assert given_answer.data == expected.data, (case, oddity, expected, given_answer, program.source)
    return "given up" if expected.data is None else "answered"


def test_a_compiled_query_is_graphql_core_to_the_byte() -> None:
    outcomes: Counter[str] = Counter()

    @settings(max_examples=DOCUMENTS, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(text=documents(), seed=st.integers(0, 2**20))
    def claim(text: str, seed: int) -> None:
        for case in cases(text, seed):
            program = PLAIN.compile(case.document, operation_of(case.document))
            for oddity in ODDITIES:
                outcomes[asyncio.run(compare(case, program, oddity))] += 1

    claim()

    gc.collect()  # a coroutine that was left behind warns now, and a warning is an error
    assert outcomes.total() > DOCUMENTS * 6, "few of the variations were valid"
    assert outcomes["given up"] > outcomes.total() / 50, "hardly anything went wrong in the data"


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(text=documents(), seed=st.integers(0, 2**20))
def test_with_pieces_it_is_the_same(text: str, seed: int) -> None:
    pieces = PieceCache(1_000_000)
    keys = {name: lambda value, _context: id(value) for name in ("Cat", "Dog", "Stone", "Box", "Owner")}
    compiler = Compiler(SCHEMA, Options(pieces=pieces, piece_keys=keys))
    for case in cases(text, seed):
        program = compiler.compile(case.document, operation_of(case.document))
        asyncio.run(_compare_twice(case, program))
        pieces.clear()  # the data are made anew, and an id may come again


async def _compare_twice(case: Case, program: Program) -> None:
    root = Data(case.seed, 0.02).query()
    expected = await reference(schema, case.document, case.variables, CONTEXT, root)
    for _ in range(2):
        assert (await answer(program, case.variables, CONTEXT, root)).data == expected.data


@dataclass(frozen=True)
class Right:
    """A gate that is open for contexts that hold the right."""

    name: str
    otherwise: object

    def admits(self, context: frozenset[str]) -> bool:
        return self.name in context


def guarded() -> tuple[strawberry.Schema, dict[str, Right]]:
    """A schema of which some fields are wrapped, and the gates that stand for the wrappers."""
    made = new_schema()
    gates = {}
    for type_ in object_types(made._schema):
        for name, field in type_.fields.items():
            coordinate = f"{type_.name}.{name}"
            kind = crc32(coordinate.encode()) % 8
            if kind < 3 and coordinate not in ("Box.label", "Box.wrapped", "Box.slowWrapped"):
                gate = Right("abc"[kind], _otherwise(field.type) if kind else REFUSED)
                gates[coordinate] = gate
                field.resolve = _behind(gate, field.resolve)
    return made, gates


def _otherwise(type_: Any) -> object:
    if isinstance(get_nullable_type(type_), GraphQLList):
        return ()
    return REFUSED if isinstance(type_, GraphQLNonNull) else None


def _behind(gate: Right, resolve: Any) -> Any:
    def behind(source: Any, info: Any, **arguments: Any) -> Any:
        if gate.admits(info.context):
            return resolve(source, info, **arguments)
        if gate.otherwise is REFUSED:
            raise PermissionError
        return gate.otherwise

    return behind


GUARDED, GATES = guarded()
BEHIND_GATES: Final = Compiler(GUARDED._schema, Options(gates=lambda type_, name: GATES.get(f"{type_}.{name}")))


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(text=documents(), seed=st.integers(0, 2**20))
def test_gates_do_what_the_wrappers_do_that_they_stand_for(text: str, seed: int) -> None:
    for case in cases(text, seed):
        program = BEHIND_GATES.compile(case.document, operation_of(case.document))
        asyncio.run(_compare_rights(case, program))


async def _compare_rights(case: Case, program: Program) -> None:
    root = Data(case.seed, 0.02).query()
    for rights in (frozenset("abc"), frozenset("ab"), frozenset("a"), frozenset[str]()):
        expected = await reference(GUARDED, case.document, case.variables, rights, root)
        assert (await answer(program, case.variables, rights, root)).data == expected.data


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(text=documents(), seed=st.integers(0, 2**20))
def test_what_only_graphql_core_takes_is_never_answered_differently(text: str, seed: int) -> None:
    """Coroutines of functions that are not `async`, and `Undefined`: the compiler may give up on them."""
    for case in cases(text, seed):
        program = PLAIN.compile(case.document, operation_of(case.document))
        asyncio.run(compare(case, program, 0.2, awkward=True))
    gc.collect()


def test_the_data_have_what_is_asked_of_them() -> None:
    cats = [value for seed in range(20) for value in vars(Data(seed, 0.0).query()).values() if isinstance(value, Cat)]

    assert cats
