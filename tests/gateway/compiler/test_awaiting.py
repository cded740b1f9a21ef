"""Fields that are awaited: in place when alone, together when several, and none is left behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable
from typing import Any

import pytest
import strawberry
from graphql import parse
from strawberry.utils.await_maybe import AwaitableOrValue

from gateway.compiler import Compiler, GivenUp, Program, may_await
from tests.gateway.compiler.reference import operation_of


class Steps:
    """A context: resolvers write down what they do, and wait for one another."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.tasks: set[Any] = set()
        self.both = asyncio.Barrier(2)
        self.never = asyncio.Event()
        self.go_on = asyncio.Event()


Info = strawberry.Info[Steps, None]


@strawberry.type
class Leaf:
    name: str

    @strawberry.field
    async def slow(self, info: Info) -> Leaf:
        info.context.done.append(f"slow {self.name}")
        return Leaf(name=f"{self.name}'")

    @strawberry.field
    def broken(self) -> str:
        raise ValueError("broken")

    @strawberry.field
    def second(self) -> str:
        if self.name == "second":
            raise ValueError("broken")
        return self.name

    @strawberry.field
    def several(self) -> list[Leaf]:
        return [Leaf(name="first"), Leaf(name="second")]


@strawberry.type
class Query:
    @strawberry.field
    def leaves(self) -> list[Leaf]:
        return [Leaf(name="first"), Leaf(name="second")]

    @strawberry.field
    async def one(self, info: Info) -> Leaf:
        info.context.tasks.add(asyncio.current_task())
        return Leaf(name="one")

    @strawberry.field
    async def together(self, info: Info) -> str:
        await info.context.both.wait()
        return "met"

    @strawberry.field
    async def waits(self, info: Info) -> str | None:
        try:
            await info.context.never.wait()
        except asyncio.CancelledError:
            info.context.done.append("cancelled")
            raise
        return None

    @strawberry.field(graphql_type=Leaf)
    @may_await
    def either(self, now: bool) -> AwaitableOrValue[Leaf]:
        return Leaf(name="either") if now else _leaf()

    @strawberry.field
    async def both(self, info: Info) -> list[str]:
        steps = info.context
        steps.done.append("begun")
        steps.tasks.add(asyncio.current_task())
        await steps.go_on.wait()
        steps.done.append("first")
        await asyncio.sleep(0)
        steps.done.append("second")
        steps.tasks.add(asyncio.current_task())
        return steps.done[1:]

    @strawberry.field
    async def stubborn(self, info: Info) -> str:
        try:
            await info.context.never.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            return "cancelled"
        return "never"

    @strawberry.field
    async def fails_late(self, info: Info) -> str | None:
        await info.context.go_on.wait()
        raise ValueError("late")

    @strawberry.field
    async def fails(self) -> str | None:
        raise ValueError("no")

    @strawberry.field
    async def cancels_itself(self) -> str | None:
        raise asyncio.CancelledError

    @strawberry.field
    def broken(self) -> str:
        raise ValueError("broken")

    @strawberry.field
    def hands_on(self) -> str:
        return _text()  # type: ignore[return-value]

    @strawberry.field
    def texts(self) -> list[str]:
        return [_text(), _text(), _text()]  # type: ignore[list-item]

    @strawberry.field
    async def texts_later(self) -> list[str]:
        return ["at hand", _text(), _text()]  # type: ignore[list-item]

    @strawberry.field
    def objects(self) -> tuple[Leaf, ...]:
        return (_leaf(), _leaf())  # type: ignore[return-value]

    @strawberry.field
    def lists(self) -> list[list[str]]:
        return [[_text(), _text()], [_text()], _text()]  # type: ignore[list-item]


async def _leaf() -> Leaf:
    return Leaf(name="either")


async def _text() -> str:
    return "text"


schema = strawberry.Schema(Query)


def program(text: str) -> Program:
    document = parse(text)
    return Compiler(schema._schema).compile(document, operation_of(document))


@pytest.fixture
def steps() -> Steps:
    return Steps()


async def test_a_field_alone_is_awaited_in_the_task_of_the_run(steps: Steps) -> None:
    assert await program("{ one { name } }").run(steps, None) == b'{"one":{"name":"one"}}'
    assert steps.tasks == {asyncio.current_task()}


async def test_what_waits_for_nothing_is_there_at_once(steps: Steps) -> None:
    begun = program("{ one { name slow { name slow { name } } } }").begin(steps, None)

    assert begun == b'{"one":{"name":"one","slow":{"name":"one\'","slow":{"name":"one\'\'"}}}}'
    assert steps.done == ["slow one", "slow one'"]


async def test_what_has_begun_goes_on_where_it_did(steps: Steps) -> None:
    begun = program("{ both }").begin(steps, None)
    assert steps.done == ["begun"]
    assert not isinstance(begun, bytes)

    steps.go_on.set()
    assert await begun == b'{"both":["first","second"]}'
    assert steps.done == ["begun", "first", "second"]
    assert steps.tasks == {asyncio.current_task()}


async def test_a_cancellation_reaches_what_has_begun(steps: Steps) -> None:
    task = asyncio.create_task(program("{ stubborn }").run(steps, None))
    await asyncio.sleep(0)
    task.cancel()

    assert await task == b'{"stubborn":"cancelled"}'


async def test_an_error_after_waiting_is_told_like_any_other(steps: Steps) -> None:
    begun = program("{ failsLate }").begin(steps, None)
    assert not isinstance(begun, bytes)
    steps.go_on.set()

    with pytest.raises(GivenUp) as given_up:
        await begun
    assert isinstance(given_up.value.__cause__, ValueError)


async def test_what_is_given_up_at_once_is_told_at_once(steps: Steps) -> None:
    for text in ("{ fails }", "{ one { name } broken }", "{ one { slow { name } broken } }"):
        with pytest.raises(GivenUp):
            program(text).begin(steps, None)

    gc.collect()


@pytest.mark.parametrize("now", [True, False])
async def test_a_resolver_may_answer_a_value_or_something_to_be_awaited(now: bool, steps: Steps) -> None:
    compiled = program("query ($now: Boolean!) { either(now: $now) { name } }")

    assert await compiled.run(steps, {"now": now}) == b'{"either":{"name":"either"}}'
    assert compiled.at_hand(steps, {"now": now}) == (b'{"either":{"name":"either"}}' if now else None)
    gc.collect()


async def test_fields_beside_each_other_are_awaited_at_the_same_time(steps: Steps) -> None:
    answer = await asyncio.wait_for(program("{ a: together b: together }").run(steps, None), 5)

    assert answer == b'{"a":"met","b":"met"}'


async def test_keys_keep_the_order_of_the_document(steps: Steps) -> None:
    answer = await program("{ one { slow { name slow { name } } name } b: one { name } }").run(steps, None)

    expected = b'{"one":{"slow":{"name":"one\'","slow":{"name":"one\'\'"}},"name":"one"},"b":{"name":"one"}}'
    assert answer == expected
    assert steps.done == ["slow one", "slow one'"]


async def test_a_failure_cancels_the_others_and_waits_for_them(steps: Steps) -> None:
    with pytest.raises(GivenUp) as given_up:
        await asyncio.wait_for(program("{ waits fails }").run(steps, None), 5)

    assert isinstance(given_up.value.__cause__, ValueError)
    assert steps.done == ["cancelled"]


async def test_a_cancelled_run_cancels_what_it_awaits(steps: Steps) -> None:
    task = asyncio.create_task(program("{ a: waits b: waits }").run(steps, None))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps.done == ["cancelled", "cancelled"]


@pytest.mark.parametrize("text", ["{ cancelsItself }", "{ cancelsItself waits }"])
async def test_a_cancellation_comes_through_as_it_is(text: str, steps: Steps) -> None:
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(program(text).run(steps, None), 5)


@pytest.mark.parametrize(
    "text",
    [
        "{ one { name } broken }",
        "{ broken one { name } }",
        "{ one { slow { name } broken } }",
        "{ a: one { slow { name } broken } b: one { name } }",
        "{ leaves { slow { name } second } }",
        "{ one { several { slow { name } second } } }",
        "{ handsOn }",
        "{ one { name } handsOn }",
        "{ texts }",
        "{ textsLater }",
        "{ one { name } texts }",
        "{ objects { name slow { name } several { name } } }",
        "{ lists }",
    ],
)
async def test_no_coroutine_is_left_behind(text: str, steps: Steps) -> None:
    with pytest.raises(GivenUp):
        await program(text).run(steps, None)

    gc.collect()  # a coroutine that was never awaited warns when it goes, and a warning is an error here


async def test_futures_and_other_awaitables_of_a_wrapped_resolver_are_awaited(steps: Steps) -> None:
    field: Any = schema._schema.type_map["Query"].fields["fails"]  # type: ignore[attr-defined]
    resolve = field.resolve

    def soon(_source: object, _info: object) -> Awaitable[str]:
        future = asyncio.get_running_loop().create_future()
        future.set_result("done")
        return future

    field.resolve = soon
    try:
        answer = await program("{ fails }").run(steps, None)
    finally:
        field.resolve = resolve
    assert answer == b'{"fails":"done"}'
