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

from graphql import DocumentNode, parse, validate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from gateway.compiler import Compiler, Options, PieceCache, Program
from tests.gateway.compiler.menagerie import Cat, Data, schema
from tests.gateway.compiler.reference import answer, operation_of, reference
from tests.gateway.compiler.variation import Variation

SCHEMA: Final = schema._schema
CONTEXT: Final = "context"

DOCUMENTS: Final = 250
VARIATIONS: Final = 4
ODDITIES: Final = (0.0, 0.02, 0.2)
"""Shares of odd values in the data that each variation is asked of: 250 documents make 3,000 comparisons."""

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
