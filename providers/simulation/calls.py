"""A simulator's record of what it was asked, so that a test or a person can count the calls."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from providers.simulation.clock import SimulationClock

KEPT = 1_000
"""How many of the last calls are kept one by one; the count goes on beyond it."""


@dataclass(slots=True)
class ReceivedCall:
    """One request. `query` is its raw text; `status` is None until an answer begins, and stays so if none does."""

    method: str
    path: str
    query: str
    at: datetime
    status: int | None = None


class CallLog:
    """Middleware that records every request to `app` as it comes in, by the simulated world's clock."""

    def __init__(self, app: ASGIApp, clock: SimulationClock) -> None:
        self._app = app
        self._clock = clock
        self._calls: deque[ReceivedCall] = deque(maxlen=KEPT)
        self._count = 0

    @property
    def count(self) -> int:
        """How many requests came in since the last `reset`."""
        return self._count

    @property
    def calls(self) -> tuple[ReceivedCall, ...]:
        """The last requests, at most `KEPT`, in the order they came in."""
        return tuple(self._calls)

    def reset(self) -> None:
        """Forget every call."""
        self._calls.clear()
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = ReceivedCall(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), self._clock.now())
        self._calls.append(call)
        self._count += 1

        async def note_status(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
            await send(message)

        await self._app(scope, receive, note_status)
