"""Compiled programs of the operations that come again, and what the compiler is told about this schema."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

from graphql import GraphQLObjectType, GraphQLSchema
from pydantic import AwareDatetime

from gateway.compiler import Compiler, Exact, Gate, NotCompilable, Options, Pieces, Program
from gateway.schema.access import gate_of
from gateway.schema.answers import VOLATILE
from gateway.schema.costs import Variables
from gateway.schema.documents import Operation
from gateway.schema.order_needs import ORDER_TYPE
from gateway.schema.types.values import PUBLISHED
from providers import models

log = logging.getLogger(__name__)

RUNS_BEFORE: Final = 1
"""Runs on graphql-core before an operation is compiled, which takes as long as some 20 of a small one: what a person
tries out once is not worth it."""

DEAR: Final = 2_000
"""Values from which an operation is compiled at once: on graphql-core it would take longer than compiling does, and
hold up everybody else meanwhile (14 µs for each value, `docs/performance.md`)."""


ROOM_BYTES: Final = 32 * 1024 * 1024
"""Bounds the programs of one process: some 500 of an order page."""

LONG: Final = 4_000
"""Characters of a document that is compiled in a thread: a query for everything takes 0.4 s of CPU, an order page 2 ms.
Until its program is there, graphql-core runs it."""


_TRACKINGS: Final = (
    models.CarrierTracking,
    models.OrderTracker,
    models.InvoiceTracker,
    models.RouteTracking,
    models.GenericTracking,
)

RECORDS: Final[Mapping[str, type]] = {
    "Order.loaded.details": models.Order,
    "TrackingEvent.entry.event": models.TrackingEvent,
    "EstimatedArrival.estimate": models.EstimatedArrival,
    **{f"{model.__name__}.model": model for model in _TRACKINGS},
    **{published.__name__: model for published, model in PUBLISHED.items()},
}
"""Where domain models are read, see `Options.records`; a published type has the name of its model."""


class Programs:
    """Compiles operations on one schema, and holds those in `room` bytes that were compiled last.

    Without `pieces`, no encoded parts of answers are kept.
    """

    def __init__(self, schema: GraphQLSchema, pieces: Pieces | None = None, room: int = ROOM_BYTES) -> None:
        self._room = room
        self._compiled: deque[tuple[Operation, int]] = deque()
        self._compiler = Compiler(
            schema,
            Options(
                gates=_gates(schema),
                # orjson writes a time as `isoformat` does, which the scalar's `serialize` calls; a URL is text.
                native={"DateTime": Exact(datetime, given=("tzinfo",), annotated=AwareDatetime), "URL": str},
                plain=(models.Domain,),
                records=RECORDS,
                pieces=pieces,
                piece_keys={ORDER_TYPE: _order_piece},
                volatile=VOLATILE,
            ),
        )

    async def of(self, operation: Operation, variables: Variables) -> Program | None:
        """The program of `operation`; None for one that is new and small, cannot be compiled, or is being compiled."""
        if operation.program is None and self._is_worth_it(operation, variables):
            operation.program = False  # to whoever asks meanwhile
            operation.program = await self._compiled_aside(operation)
            if operation.program:
                self._hold(operation)
        return operation.program or None

    async def _compiled_aside(self, operation: Operation) -> Program | Literal[False]:
        location = operation.document.loc
        if location is not None and len(location.source.body) > LONG:
            return await asyncio.to_thread(self._compile, operation)
        return self._compile(operation)

    def _hold(self, operation: Operation) -> None:
        # With its size as it is now: a program grows by its variants, and must give back what it took.
        size = operation.program.size if operation.program else 0
        self._compiled.append((operation, size))
        self._room -= size
        while self._room < 0:
            oldest, given_back = self._compiled.popleft()
            self._room += given_back
            oldest.program, oldest.runs = None, 0

    @staticmethod
    def _is_worth_it(operation: Operation, variables: Variables) -> bool:
        operation.runs += 1
        is_again = operation.runs > RUNS_BEFORE
        return operation.is_query and (is_again or operation.counted.cost(variables) >= DEAR)

    def _compile(self, operation: Operation) -> Program | Literal[False]:
        try:
            return self._compiler.compile(operation.document, operation.node)
        except NotCompilable as reason:
            log.debug("an operation is not compiled: %s", reason)
            return False


def _gates(schema: GraphQLSchema) -> Callable[[str, str], Gate | None]:
    def gate(type_name: str, field_name: str) -> Gate | None:
        type_ = schema.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        return gate_of(type_.fields[field_name])

    return gate


def _order_piece(order: Any, _context: object) -> Hashable | None:
    """What an order is and what it was loaded for, which `sources` tells of; None for one that will not come again."""
    token: object | None = order.loaded.token
    return None if token is None else (token, order.needs)
