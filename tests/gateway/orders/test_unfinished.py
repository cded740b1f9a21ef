"""Writes that go on when nobody waits for them any longer."""

from __future__ import annotations

import asyncio

import pytest

from gateway.orders.unfinished import UnfinishedWrites
from providers.errors import OutcomeUnknown


async def write(gate: asyncio.Event, failure: Exception | None = None) -> str:
    """A write that comes to its end when `gate` opens."""
    await gate.wait()
    if failure:
        raise failure
    return "made"


async def left(writes: UnfinishedWrites, gate: asyncio.Event, failure: Exception | None = None) -> None:
    """Begin a write and go away."""
    waiting = asyncio.create_task(writes.finish(write(gate, failure)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.fixture
def gate() -> asyncio.Event:
    return asyncio.Event()


async def test_who_waits_is_answered_or_told_of_the_failure(gate: asyncio.Event) -> None:
    gate.set()
    assert await UnfinishedWrites().finish(write(gate)) == "made"
    with pytest.raises(OutcomeUnknown):
        await UnfinishedWrites().finish(write(gate, OutcomeUnknown("karla", "place_order")))


async def test_closing_waits_for_what_was_left(gate: asyncio.Event) -> None:
    writes = UnfinishedWrites()
    await left(writes, gate)
    closing = asyncio.create_task(writes.aclose())
    await asyncio.sleep(0)
    assert not closing.done()
    gate.set()
    await closing


@pytest.mark.parametrize(
    ("failure", "logged"),
    [(OutcomeUnknown("karla", "place_order"), "karla.place_order: OUTCOME_UNKNOWN"), (ValueError(), "a defect")],
)
async def test_a_failure_that_nobody_sees_is_logged(
    gate: asyncio.Event, caplog: pytest.LogCaptureFixture, failure: Exception, logged: str
) -> None:
    writes = UnfinishedWrites()
    await left(writes, gate, failure)
    gate.set()
    await writes.aclose()
    assert logged in caplog.text


async def test_a_failure_that_is_told_is_not_logged(gate: asyncio.Event, caplog: pytest.LogCaptureFixture) -> None:
    gate.set()
    with pytest.raises(OutcomeUnknown):
        await UnfinishedWrites().finish(write(gate, OutcomeUnknown("karla", "place_order")))
    assert caplog.text == ""


async def test_a_write_that_is_cut_off_is_logged(gate: asyncio.Event, caplog: pytest.LogCaptureFixture) -> None:
    """As when the process ends before the provider has answered."""
    before = asyncio.all_tasks()
    writes = UnfinishedWrites()
    await left(writes, gate)
    (task,) = asyncio.all_tasks() - before
    task.cancel()
    await writes.aclose()
    assert "cut off" in caplog.text
