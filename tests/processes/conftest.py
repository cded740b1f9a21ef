"""A provider that hangs until it is released."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.processes.gateways import SlowProvider, slow_provider


@pytest.fixture
async def provider() -> AsyncIterator[SlowProvider]:
    async with slow_provider() as provider:
        yield provider
