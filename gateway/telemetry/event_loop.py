"""The event loop: how late it is, since whatever keeps it keeps every answer, and what failed in it unseen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from gateway.telemetry.metrics import EVENT_LOOP_LAG

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
"""Once a second: a block of 200 ms is met by one look in five, and looking costs nothing that could be measured."""


@asynccontextmanager
async def event_loop_watched() -> AsyncIterator[None]:
    """Note the lag while what is inside runs, and log failures that nobody awaited as all others are."""
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(_log_unseen)
    watching = asyncio.create_task(_watch())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})
        loop.set_exception_handler(before)


def _log_unseen(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # asyncio's own handler writes the task or handle too, and with it the exception's text.
    log.error("in the event loop: %s", context["message"], exc_info=context.get("exception"))


async def _watch() -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOK_SECONDS
        await asyncio.sleep(LOOK_SECONDS)
        EVENT_LOOP_LAG.observe(max(loop.time() - due, 0.0))
