"""Compiled programs of the operations that come again, and what the compiler is told about this schema."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal
from weakref import ref

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
"""Bounds the programs of one process, with all their variants: some 500 of an order page. What they keep of their
documents is bounded with those, see `REMEMBERED_CHARACTERS`."""

LONGEST_AT_ONCE: Final = 20_000
"""Characters of Python up to which a variant is made at once: 0.4 µs of CPU for each, so 8 ms."""


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
    """Compiles operations on one schema, and keeps to `room` bytes: the programs that were compiled first go first.

    A program is held by its operation alone, so it lives no longer than its document is remembered; operations of a
    document that is not remembered are not compiled. Each is charged for what it takes, and for more as it grows.
    Without `pieces`, no encoded parts of answers are kept.
    """

    def __init__(self, schema: GraphQLSchema, pieces: Pieces | None = None, room: int = ROOM_BYTES) -> None:
        self._room = room
        self._sizes: OrderedDict[ref[Operation], int] = OrderedDict()
        self.size = 0
        """Bytes that the programs were charged for."""
        self._compiler = Compiler(
            schema,
            Options(
                gates=_gates(schema),
                # orjson writes a time as `isoformat` does, which the scalar's `serialize` calls; a URL is text.
                native={"DateTime": Exact(datetime, given=("tzinfo",), annotated=AwareDatetime), "URL": str},
                plain=(models.Domain,),
                longest_at_once=LONGEST_AT_ONCE,
                records=RECORDS,
                pieces=pieces,
                piece_keys={ORDER_TYPE: _order_piece},
                volatile=VOLATILE,
            ),
        )

    async def of(self, operation: Operation, variables: Variables) -> Program | None:
        """The program of `operation`; None for one that is new and small, or is being compiled, or will not be.

        It is compiled beside other requests; graphql-core runs those that ask for it meanwhile.
        """
        if operation.program is None and self._is_worth_it(operation, variables):
            operation.program = False  # to whoever asks meanwhile
            try:
                # In a thread, however short it is: fragments on interfaces multiply, and 1 kB can take 0.5 s of CPU.
                operation.program = await asyncio.to_thread(self._compile, operation)
            except asyncio.CancelledError:
                operation.program = None
                raise
            self._settle(ref(operation))
        return operation.program or None

    def _settle(self, held: ref[Operation]) -> None:
        """Charge the program of an operation for what it takes now, if it has one, and make room for that."""
        operation = held()
        if operation is None or not operation.program:
            return
        size = operation.program.size
        self.size += size - self._sizes.get(held, 0)
        self._sizes[held] = size
        self._take_back([held for held in self._sizes if held() is None])
        while self.size > self._room:
            self._take_back([next(iter(self._sizes))])

    def _take_back(self, dropped: Iterable[ref[Operation]]) -> None:
        """Drop programs, of operations that are forgotten or have to be compiled anew."""
        for held in dropped:
            self.size -= self._sizes.pop(held)
            operation = held()
            if operation is not None:
                operation.program, operation.runs = None, 0

    @staticmethod
    def _is_worth_it(operation: Operation, variables: Variables) -> bool:
        operation.runs += 1
        is_again = operation.runs > RUNS_BEFORE
        is_to_stay = operation.is_query and operation.is_remembered
        return is_to_stay and (is_again or operation.counted.cost(variables) >= DEAR)

    def _compile(self, operation: Operation) -> Program | Literal[False]:
        held = ref(operation)  # the program is the operation's: it must not hold it in turn
        try:
            return self._compiler.compile(operation.document, operation.node, grown=lambda: self._settle(held))
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
