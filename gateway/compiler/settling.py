"""The asynchronous part of a run: fields that were put off are awaited, which may put off more."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from types import CoroutineType, coroutine
from typing import Any

from gateway.compiler.run import Deferred, Run, close_all


def settle_at_hand(run: Run, deferred: list[Deferred]) -> list[Deferred]:
    """Complete what was put off for as long as one field alone is left, and its coroutine ends without waiting.

    What is left is for `settle`, in the same task: a coroutine that has begun must go on where it did.
    """
    while len(deferred) == 1 and deferred[0].awaitable.__class__ is CoroutineType:
        field = deferred[0]
        try:
            awaited = field.awaitable.send(None)
        except StopIteration as ended:
            deferred = _complete(run, field, ended.value)
        else:
            return [field._replace(awaitable=_resumed(field.awaitable, awaited))]
    return deferred


async def settle(run: Run, deferred: list[Deferred]) -> None:
    """Await `deferred`, and whatever completing them puts off, until nothing is left.

    One field is awaited where it stands; several at once, each as a task. The first error cancels the others, waits for
    them, and comes through; so does a cancellation. Every coroutine is then finished or closed.
    """
    try:
        while len(deferred) == 1:
            deferred = await _settle_one(run, deferred[0])
        if deferred:
            await _settle_together(run, deferred)
    finally:
        close_all(deferred)


async def _settle_one(run: Run, field: Deferred) -> list[Deferred]:
    """Await and complete one field; what that put off."""
    return _complete(run, field, await field.awaitable)


def _complete(run: Run, field: Deferred, value: object) -> list[Deferred]:
    """Complete a field with what its resolver answered; what that put off."""
    try:
        field.container[field.key] = field.complete(value, run, field.path)
    except BaseException:
        run.close()
        raise
    return run.take_deferred()


@coroutine
def _resumed(begun: Coroutine[Any, Any, Any], awaited: Any) -> Generator[Any, Any, Any]:
    """Go on with a coroutine that has begun and waits for `awaited`: what it returns."""
    try:
        yield awaited
    except GeneratorExit:
        begun.close()
        raise
    except BaseException as error:  # noqa: BLE001  # a cancellation, which it may want to answer
        try:
            awaited = begun.throw(error)
        except StopIteration as ended:
            return ended.value
        return (yield from _resumed(begun, awaited))
    return (yield from begun.__await__())


async def _settle_together(run: Run, deferred: list[Deferred]) -> None:
    tasks = [asyncio.create_task(settle(run, [field])) for field in deferred]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
