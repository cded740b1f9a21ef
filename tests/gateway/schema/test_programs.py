"""When an operation is compiled, and how many programs are held."""

from __future__ import annotations

import asyncio

import pytest

from gateway.schema.documents import Documents, Operation
from gateway.schema.programs import DEAR, LONG, Programs
from gateway.schema.published import schema
from gateway.schema.settings import LimitSettings

SMALL = '{ order(by: {orderNumber: "1"}) { orderNumber } }'
LARGE = "{ orders(first: 100) { nodes { trackings { events { name code } } } } }"


async def operation_of(text: str) -> Operation:
    limits = LimitSettings(cost=10**9)
    return await Documents(schema._schema, production=False, limits=limits).load(text)


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


async def test_a_long_document_is_compiled_beside_other_requests(programs: Programs) -> None:
    """Those that come meanwhile are run on graphql-core."""
    operation = await operation_of(SMALL + " " * LONG)
    assert await programs.of(operation, {}) is None
    compiling = asyncio.create_task(programs.of(operation, {}))
    await asyncio.sleep(0)
    assert await programs.of(operation, {}) is None
    assert await compiling is not None
    assert await programs.of(operation, {}) is not None
