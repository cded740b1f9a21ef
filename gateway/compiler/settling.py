"""The asynchronous part of a run: fields that were put off are awaited, which may put off more."""

from __future__ import annotations

import asyncio

from gateway.compiler.run import Deferred, Run, close_all


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
    value = await field.awaitable
    try:
        field.container[field.key] = field.complete(value, run, field.path)
    except BaseException:
        run.close()
        raise
    return run.take_deferred()


async def _settle_together(run: Run, deferred: list[Deferred]) -> None:
    tasks = [asyncio.create_task(settle(run, [field])) for field in deferred]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
