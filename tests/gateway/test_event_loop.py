"""No request keeps the others waiting while it is read, however long its document is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from gateway.schema.documents import SHORT, Documents, RequestRefused
from gateway.schema.published import schema

BLOCKED_SECONDS = 0.2
"""Longest that the event loop may be held up."""

DOCUMENTS = {
    "operations": " ".join(f"query Q{number} {{ shop {{ slug }} }}" for number in range(1_200)),
    "an object": "{ order(by: {" + " ".join(f"k{number}: 1" for number in range(3_300)) + "}) { id } }",
    "arguments": "{ order(" + "by: 1 " * 3_300 + ") { id } }",
    "fragments": "{ shop { " + "...F " * 4_900 + "} } fragment F on Shop { slug }",
    "a megabyte of lines": '{ order(by: {orderNumber: """' + "a\n" * 500_000 + '"""}) { id } }',
    "a megabyte of spaces": "{ shop { slug } }" + " " * 1_000_000,
    "just below a thread": " ".join(f"query Q{number} {{ shop {{ slug }} }}" for number in range(SHORT // 32)),
}


class Pulse:
    """How long the event loop was held up at most, in seconds of CPU of its own thread."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def beat(self) -> None:
        while True:
            begun = time.thread_time()
            await asyncio.sleep(0)
            self.longest = max(self.longest, time.thread_time() - begun)


@pytest.fixture
async def pulse() -> AsyncIterator[Pulse]:
    pulse = Pulse()
    beating = asyncio.create_task(pulse.beat())
    await asyncio.sleep(0)
    yield pulse
    beating.cancel()
    await asyncio.wait({beating})


@pytest.mark.parametrize("text", DOCUMENTS.values(), ids=DOCUMENTS.keys())
async def test_a_document_of_the_largest_size_holds_nobody_up(pulse: Pulse, text: str) -> None:
    """Measured in CPU of the loop's own thread, which does not grow with what else the machine does."""
    documents = Documents(schema._schema, production=False)
    with suppress(RequestRefused):
        await documents.load(text)
    assert pulse.longest < BLOCKED_SECONDS
