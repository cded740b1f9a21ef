"""The event loop is watched: how late it is, and what fails in it unseen."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest

from gateway.telemetry import event_loop
from gateway.telemetry.event_loop import event_loop_watched
from gateway.telemetry.logs import OneLineFormatter
from tests.figures import Added


async def test_what_keeps_the_loop_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_loop, "LOOK_SECONDS", 0.001)
    added = Added()
    async with event_loop_watched(), asyncio.timeout(10):
        await asyncio.sleep(0)  # it begins to look
        time.sleep(0.06)  # noqa: ASYNC251  # on purpose
        while not added("trackgraph_event_loop_lag_seconds_count"):  # noqa: ASYNC110  # it goes on behind
            await asyncio.sleep(0.001)

    late = added("trackgraph_event_loop_lag_seconds_count") - added(
        "trackgraph_event_loop_lag_seconds_bucket", le="0.05"
    )
    assert late >= 1


async def test_a_failure_that_nobody_awaited_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    """asyncio writes the task with its exception, whose text can hold anything."""

    async def fail() -> None:
        raise ValueError("s3cret")

    async with event_loop_watched():
        task = asyncio.create_task(fail())
        await asyncio.wait({task})
        del task
        gc.collect()

    [record] = [record for record in caplog.records if record.name == "gateway.telemetry.event_loop"]
    line = OneLineFormatter().format(record)
    assert "in the event loop: Task exception was never retrieved | ValueError at " in line
    assert "s3cret" not in line


async def test_what_handled_failures_before_does_so_again() -> None:
    loop = asyncio.get_running_loop()
    async with event_loop_watched():
        assert loop.get_exception_handler() is not None
    assert loop.get_exception_handler() is None
