"""When an operation is compiled, and how many programs are held."""

from __future__ import annotations

import asyncio
from itertools import product
from types import SimpleNamespace
from weakref import ref

import pytest

from gateway.auth.principal import ANYONE
from gateway.compiler import GivenUp
from gateway.compiler.program import VARIANT_BYTES
from gateway.schema.documents import LONGEST_SHARE, REMEMBERED_CHARACTERS, Documents, Operation
from gateway.schema.programs import DEAR, LONGEST_AT_ONCE, Programs
from gateway.schema.published import schema
from gateway.schema.settings import LimitSettings

SMALL = '{ order(by: {orderNumber: "1"}) { orderNumber } }'
LARGE = "{ orders(first: 100) { nodes { trackings { events { name code } } } } }"


BRANCHING = """
query ($a: Boolean!, $b: Boolean!, $c: Boolean!) {
  order(by: {orderNumber: "1"}) { id @include(if: $a) orderNumber @include(if: $b) externalId @include(if: $c) }
}
"""


MULTIPLYING = """
query ($a: Boolean!) {
  order(by: {orderNumber: "1"}) {
    id @include(if: $a)
    a: latestEvent { tracking { ...T } } b: latestEvent { tracking { ...T } } c: latestEvent { tracking { ...T } }
  }
}
fragment T on Tracking {
  id status trackingNumber providerStatus createdAt carrier { name reference } source { provider { name } fetchedAt }
  latestEvent { ...L } estimatedArrival { from to late } events(first: 1) { ...L }
}
fragment L on TrackingEvent { id occurredAt status phase code name description location { city country } }
"""


def documents_of(remembered_characters: int = REMEMBERED_CHARACTERS) -> Documents:
    limits = LimitSettings(cost=10**9)
    return Documents(schema._schema, production=False, limits=limits, remembered_characters=remembered_characters)


async def operation_of(text: str) -> Operation:
    return await documents_of().load(text)


def begin_all_variants(operation: Operation) -> None:
    """Have every variant of a program of `BRANCHING` made. None comes further, as the context has no orders."""
    assert operation.program
    program = operation.program
    for values in product((True, False), repeat=3):
        with pytest.raises(GivenUp):
            program.at_hand(SimpleNamespace(principal=ANYONE), dict(zip("abc", values, strict=True)))


@pytest.fixture
def programs() -> Programs:
    return Programs(schema._schema)


async def test_what_is_run_once_is_not_compiled(programs: Programs) -> None:
    operation = await operation_of(SMALL)
    assert await programs.of(operation, {}) is None
    compiled = await programs.of(operation, {})
    assert compiled is not None
    assert await programs.of(operation, {}) is compiled


async def test_what_would_hold_up_others_is_compiled_at_once(programs: Programs) -> None:
    operation = await operation_of(LARGE)
    assert operation.counted.cost({}) > DEAR
    assert await programs.of(operation, {}) is not None


async def test_a_variable_can_make_it_dear(programs: Programs) -> None:
    text = "query ($n: Int!) { orders(first: $n) { nodes { orderNumber trackings(first: 1) { id } } } }"
    assert await programs.of(await operation_of(text), {"n": 1}) is None
    assert await programs.of(await operation_of(text), {"n": 100}) is not None


@pytest.mark.parametrize(
    "text",
    [
        "{ __schema { queryType { name } } }",
        'mutation { dismissRegistration(input: {registrationId: "1", reason: "no"}) { userErrors { code } } }',
    ],
)
async def test_what_cannot_be_compiled_is_tried_once(programs: Programs, text: str) -> None:
    operation = await operation_of(text)
    assert [await programs.of(operation, {}) for _ in range(3)] == [None] * 3


async def test_the_oldest_program_goes_when_room_runs_out() -> None:
    programs = Programs(schema._schema, room=30_000)
    operations = [await operation_of(SMALL.replace("{ order(", f"{{ a{number}: order(")) for number in range(4)]
    for operation in operations:
        for _ in range(2):
            await programs.of(operation, {})
    held = [operation.program is not None for operation in operations]
    assert held[-1]
    assert not held[0]
    assert await programs.of(operations[0], {}) is None, "it begins anew"
    assert await programs.of(operations[0], {}) is not None


async def test_a_program_goes_with_its_document(programs: Programs) -> None:
    documents = documents_of(remembered_characters=len(SMALL) * LONGEST_SHARE)
    texts = [SMALL.replace("order(", f"a{number}:order(").replace(" ", "") for number in range(2 * LONGEST_SHARE)]
    held = []
    for text in texts:
        operation = await documents.load(text)
        for _ in range(2):
            await programs.of(operation, {})
        assert operation.program
        held.append(ref(operation))
    del operation

    alive = [each for each in held if each() is not None]

    assert alive == held[-len(alive) :]
    assert 0 < len(alive) < len(texts)
    assert programs.size == sum(each().program.size for each in alive)  # type: ignore[union-attr]


async def test_a_document_that_is_not_remembered_is_not_compiled(programs: Programs) -> None:
    operation = await operation_of(LARGE + " " * (REMEMBERED_CHARACTERS // LONGEST_SHARE))
    assert operation.counted.cost({}) > DEAR
    assert [await programs.of(operation, {}) for _ in range(3)] == [None] * 3


async def test_programs_are_charged_for_the_variants_that_come_later(programs: Programs) -> None:
    operation = await operation_of(BRANCHING)
    for _ in range(2):
        await programs.of(operation, {})
    begun_with = programs.size

    begin_all_variants(operation)

    assert operation.program
    assert programs.size == operation.program.size > begun_with + 2**3 * VARIANT_BYTES


async def test_variants_push_out_the_oldest_programs() -> None:
    programs = Programs(schema._schema, room=100_000)
    first, second = await operation_of(SMALL), await operation_of(BRANCHING)
    for operation in (first, first, second, second):
        await programs.of(operation, {})
    assert first.program

    begin_all_variants(second)

    assert first.program is None


async def test_an_operation_is_compiled_beside_other_requests(programs: Programs) -> None:
    """Those that come meanwhile are run on graphql-core."""
    operation = await operation_of(SMALL)
    assert await programs.of(operation, {}) is None
    compiling = asyncio.create_task(programs.of(operation, {}))
    await asyncio.sleep(0)
    assert await programs.of(operation, {}) is None
    assert await compiling is not None
    assert await programs.of(operation, {}) is not None


async def test_a_long_variant_is_made_beside_other_requests(programs: Programs) -> None:
    """Fragments on interfaces multiply: a short document can make a long program."""
    operation = await operation_of(MULTIPLYING)
    for _ in range(2):
        await programs.of(operation, {})
    assert operation.program
    assert len(MULTIPLYING) < 1_000
    assert len(operation.program.source) > LONGEST_AT_ONCE
    size = programs.size

    with pytest.raises(GivenUp) as given_up:
        operation.program.at_hand(SimpleNamespace(principal=ANYONE), {"a": True})

    assert "not made yet" in str(given_up.value.__cause__)
    assert programs.size == size


async def test_what_was_cancelled_while_it_was_compiled_is_tried_again(programs: Programs) -> None:
    operation = await operation_of(SMALL)
    assert await programs.of(operation, {}) is None
    compiling = asyncio.create_task(programs.of(operation, {}))
    await asyncio.sleep(0)
    compiling.cancel()
    await asyncio.wait({compiling})
    assert await programs.of(operation, {}) is not None
