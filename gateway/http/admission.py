"""How many requests a process takes at once, and when it takes none: while it is overloaded, and when it is to stop.

A request that is not taken costs no more than its answer: neither its body is read nor its sender looked at. Knows
nothing of signals and servers; `gateway/cli/stopping.py` closes the doors when a process is to stop.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.http.head import head_of, is_answered
from gateway.http.refusal import HttpRefusal, refusal_response
from gateway.schema.errors import ErrorCode
from gateway.telemetry import observing

MAX_IN_FLIGHT: Final = 256
"""Default of requests at once: a worker's CPU is busy with 20 or so, the others wait for providers, 8 s at most."""

RETRY_SECONDS: Final = 1
"""What `Retry-After` says, the least it can: the places of a whole second of queries are free by then."""

OVERLOADED: Final = HttpRefusal(
    503,
    ErrorCode.OVERLOADED,
    "The gateway has too many requests in flight. Send this one again later.",
    headers={"Retry-After": str(RETRY_SECONDS)},
)
SHUTTING_DOWN: Final = HttpRefusal(
    503,
    ErrorCode.SHUTTING_DOWN,
    "This gateway is being stopped. Send the request again, on a new connection.",
    headers={"Retry-After": str(RETRY_SECONDS), "Connection": "close"},
)
INTERRUPTED: Final = HttpRefusal(
    503,
    ErrorCode.INTERRUPTED,
    "The gateway was stopped before the request came to its end.",
    headers={"Connection": "close"},
)


class Admission:
    """The requests that a process has in flight, at most `max_in_flight`.

    One counts from its head to the last byte of its answer, so a body that is still arriving holds a place as well.
    `shed` is how many were refused because there was no place.
    """

    def __init__(self, max_in_flight: int = MAX_IN_FLIGHT) -> None:
        self.shed = 0
        self._max_in_flight = max_in_flight
        self._running: set[asyncio.Task[Any]] = set()
        self._is_closed = False
        self._is_cut_off = False
        self._emptied = asyncio.Event()

    @property
    def in_flight(self) -> int:
        return len(self._running)

    @property
    def has_room(self) -> bool:
        """Whether a request would be taken now."""
        return not self._is_closed and len(self._running) < self._max_in_flight

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is taken: the process is to stop."""
        return self._is_closed

    @property
    def is_cut_off(self) -> bool:
        """Whether what was running has been ended."""
        return self._is_cut_off

    def refusal(self) -> HttpRefusal | None:
        """Why a request is not taken now; None when it is. Counts those that are shed."""
        if self._is_closed:
            return SHUTTING_DOWN
        if self.in_flight >= self._max_in_flight:
            self.shed += 1
            observing.request_shed()
            return OVERLOADED
        return None

    def enter(self) -> asyncio.Task[Any]:
        """Give the request that the present task answers a place, to be given back by `leave`."""
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._running.add(task)
        return task

    def leave(self, task: asyncio.Task[Any]) -> None:
        """Take the place of `task` back."""
        self._running.discard(task)
        if not self._running:
            self._emptied.set()

    def close(self) -> None:
        """Take nothing more, for good. What is running goes on."""
        self._is_closed = True

    async def drained(self) -> None:
        """Return when nothing is running any more. Only for one that is closed."""
        while self._running:
            self._emptied.clear()
            await self._emptied.wait()

    def cut_off(self) -> None:
        """End what is running: each is answered that it was interrupted."""
        self._is_cut_off = True
        for task in self._running:
            task.cancel()


class Admitted:
    """`app`, for as many requests at once as `admission` has places; the others are answered why not."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._admission.refusal()
        if refusal is not None:
            await _refuse(refusal, scope, receive, send)
            return
        task = self._admission.enter()
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if not self._admission.is_cut_off:
                raise
            # The cancellation was for this request alone and ends here: raised on, the server would log a traceback.
            # Of an answer that is half out only a broken connection tells; the server sees to that.
            if not is_answered(scope):
                await _refuse(INTERRUPTED, scope, receive, send)
        finally:
            self._admission.leave(task)


def admission_of(app: Starlette) -> Admission:
    """The admission of an application that `create_http_app` made."""
    admission: Admission = app.state.admission
    return admission


async def _refuse(refusal: HttpRefusal, scope: Scope, receive: Receive, send: Send) -> None:
    await refusal_response(refusal, head_of(scope).accept)(scope, receive, send)
