"""How a process that serves comes to its end: in order, and in time.

On SIGTERM or SIGINT the gateway is no longer ready and takes nothing new, while the server still listens: whoever sends
requests here learns to send them elsewhere. What is running has 10 s to end. Then the server is told of the signal, and
what the application holds is closed. uvicorn alone closes its doors first, and waits for nothing but connections.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.admission import Admission
from gateway.http.at_once import AtOnce

log = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 10.0
"""For requests that are running: longer than a query may take by default (8 s)."""

STOP_SECONDS: Final = 12.5
"""For all of it, from the signal until everything is closed. Whoever stops a process gives it 15 s, and ending the
interpreter takes a part of a second, as does passing the signal on to workers; on a busy machine more."""

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

SignalHandler = Callable[[int, FrameType | None], Any] | int | None


class Stoppable:
    """`app`, between the server and its signals. The server must have its handlers in place before the lifespan starts,
    as uvicorn has, and gets the signal when `admission` is drained.

    A second Ctrl-C ends what is running at once; a third is uvicorn's to handle. A SIGTERM beside the first Ctrl-C
    changes nothing, before or after it: a terminal sends Ctrl-C to a worker and to its parent, which stops the worker
    as well.
    """

    def __init__(self, app: ASGIApp, admission: Admission, at_once: AtOnce | None = None) -> None:
        self.at_once = at_once
        """What answers without waiting; a connection asks it first (`gateway/cli/connection.py`)."""
        self._app = app
        self._admission = admission
        self._servers: dict[int, SignalHandler] = {}
        self._draining: asyncio.Task[None] | None = None
        self._interrupts = 0
        self._ends_at: float | None = None

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        live_or_answer = self._live if scope["type"] == "lifespan" else self._app
        return live_or_answer(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application's lifespan; what it closes in the end is given what is left of the time."""
        loop = asyncio.get_running_loop()

        async def receive_and_limit() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                limit.reschedule(self._ends_at or loop.time() + STOP_SECONDS - DRAIN_SECONDS)
            return message

        async def send_and_watch(message: Message) -> None:
            if limit.expired():
                return  # Starlette reports the cancellation with a traceback
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                self._take_signals(loop)

        try:
            async with asyncio.timeout(None) as limit:
                await self._app(scope, receive_and_limit, send_and_watch)
        except TimeoutError:
            if not limit.expired():
                raise
            log.warning("stopped before everything was closed in order: there was no time left")
            await send({"type": "lifespan.shutdown.complete"})

    def _take_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        def hand_over(number: int, _frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._stop, number)

        for number in STOP_SIGNALS:
            self._servers[number] = signal.signal(number, hand_over)

    def _stop(self, number: int) -> None:
        self._interrupts += number == signal.SIGINT
        if self._draining is None:
            self._ends_at = asyncio.get_running_loop().time() + STOP_SECONDS
            self._draining = asyncio.create_task(self._drain(number))
        elif self._interrupts > 1:
            self._admission.cut_off()

    async def _drain(self, number: int) -> None:
        self._admission.close()
        log.info("stopping: %d requests are running", self._admission.in_flight)
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._admission.drained()
        except TimeoutError:
            log.warning("stopping: %d requests are cut off", self._admission.in_flight)
            self._admission.cut_off()
        self._give_signals_back()
        signal.raise_signal(number)

    def _give_signals_back(self) -> None:
        for number, handler in self._servers.items():
            signal.signal(number, handler)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """What is inside ends as planned when a stop signal comes: the process goes on after it, and its exit code is 0.

    SIGTERM is made to raise what Ctrl-C raises; uvicorn raises both again when it has stopped.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        yield
