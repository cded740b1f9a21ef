"""Writes that are made once, however often they are asked for.

A client that gives a write a key may ask for it again, from any worker and after any crash, and is answered what was
made the first time. What is kept is what was made, so that another selection is answered anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway.orders.attempts import Attempt, request_id_of
from gateway.orders.errors import IdempotencyKeyInUse, IdempotencyKeyReused, OrderError
from gateway.orders.refusal import Refusal
from gateway.resilience.deadline import Deadline
from gateway.store.database import StoreUnavailable
from gateway.store.idempotency_keys import (
    Begun,
    Document,
    Ended,
    Ending,
    IdempotencyKeys,
    KeyedWrite,
    KeyState,
    Running,
    Taken,
)
from providers.errors import OrderNotFound, OutcomeUnknown, ProviderError, RequestRejected
from providers.models import Domain, Route, Tracking

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 0.1
"""How often the outcome of a write is looked for that somebody else is making."""

_NOT_KEPT = {
    "tracking": {"media", "events", "items", "products", "pickup", "destination", "driver", "path"},
    "route": {"stops"},
}
"""What is read anew whenever it is asked for: contents, pictures, places and drivers are not ours to keep."""


class NamedOrder(Domain):
    """A key that leads to an order."""

    kind: str
    value: str


class Made(Domain):
    """What a write made: the orders that it was about, in the order of the input, and the tracking, route or
    registration (its number) made."""

    orders: tuple[NamedOrder, ...] = ()
    tracking: Tracking | None = None
    route: Route | None = None
    registration: int | None = None

    @property
    def order_number(self) -> str | None:
        """The number of the one order that the write was about."""
        numbers = [order.value for order in self.orders if order.kind == "order_number"]
        return numbers[0] if len(numbers) == 1 else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was made. `is_kept`: by an earlier request, so that of tracking and route only the names are of use."""

    made: Made
    is_kept: bool = False


class Idempotency:
    """Makes writes once for each key, for the time of one operation."""

    def __init__(self, keys: IdempotencyKeys, deadline: Deadline) -> None:
        self._keys = keys
        self._deadline = deadline

    async def once(self, write: KeyedWrite | None, make: Callable[[Attempt], Awaitable[Made]]) -> Outcome:
        """What `make` makes, or what it made before under the same key.

        Raises what `make` raises, and a provider's refusal again when asked again; `IdempotencyKeyReused` for a key of
        something else; `IdempotencyKeyInUse` when somebody else is making it and does not end before the deadline.
        What ended before anything was sent (`OrderError`, `StoreUnavailable`), and what a provider did not take, gives
        the key back.
        """
        if write is None:
            return Outcome(await make(Attempt.only()))
        match await self._begin(write):
            case Ended(state=KeyState.DONE, outcome=document):
                return Outcome(Made.model_validate(document), is_kept=True)
            case Ended(outcome=document):
                raise Refusal.model_validate(document).to_error()
            case Taken():
                raise IdempotencyKeyReused("This key was used before. Make a new one for each thing to be done.")
            case Begun() as begun:
                return Outcome(await self._make(write, begun, make))
            case _:
                raise IdempotencyKeyInUse("This is still being done. Send the same again in a few seconds.")

    async def _begin(self, write: KeyedWrite) -> Begun | Ended | Running | Taken:
        begun = await self._keys.begin(write)
        while isinstance(begun, Running) and self._deadline.remaining() > LOOK_AGAIN_SECONDS:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            begun = await self._keys.begin(write)
        return begun

    async def _make(self, write: KeyedWrite, begun: Begun, make: Callable[[Attempt], Awaitable[Made]]) -> Made:
        attempt = Attempt(request_id_of(write.shop, write.operation, write.key), begun.repeated)
        try:
            made = await make(attempt)
        except (RequestRejected, OrderNotFound) as error:
            await self._end(write, begun, KeyState.REFUSED, Refusal.of(error).model_dump(mode="json"))
            raise
        except OutcomeUnknown:
            await self._end(write, begun, KeyState.UNKNOWN)
            raise
        except (ProviderError, OrderError, StoreUnavailable):
            await self._give_back(write, begun)
            raise
        await self._end(write, begun, KeyState.DONE, made.model_dump(mode="json", exclude=_NOT_KEPT), made.order_number)
        return made

    async def _give_back(self, write: KeyedWrite, begun: Begun) -> None:
        if begun.repeated:  # this attempt did nothing, but nobody knows of the one before
            await self._end(write, begun, KeyState.UNKNOWN)
        else:
            await self._kept(self._keys.release(write, begun.attempt))

    async def _end(
        self,
        write: KeyedWrite,
        begun: Begun,
        state: KeyState,
        outcome: Document | None = None,
        order_number: str | None = None,
    ) -> None:
        await self._kept(self._keys.end(write, Ending(begun.attempt, state, outcome, order_number)))

    async def _kept(self, keeping: Awaitable[None]) -> None:
        """A store that fails now must not hide what became of the write: the lease ends, and the next one who asks is
        told as after a crash."""
        try:
            await keeping
        except StoreUnavailable as error:
            logger.error("what became of a write is not in the store: %s", error)
