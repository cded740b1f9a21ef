"""Compiled programs of the operations that come again, and what the compiler is told about this schema."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any, Final, Literal

from graphql import GraphQLObjectType, GraphQLSchema

from gateway.compiler import Compiler, Exact, Gate, NotCompilable, Options, Pieces, Program
from gateway.schema.access import gate_of
from gateway.schema.answers import VOLATILE
from gateway.schema.documents import Operation
from gateway.schema.order_needs import ORDER_TYPE
from providers.models import Domain

log = logging.getLogger(__name__)

RUNS_BEFORE: Final = 1
"""Runs on graphql-core before an operation is compiled, which takes as long as some 20 of them: what a person tries out
once is not worth it."""


class Programs:
    """Compiles operations on one schema. Without `pieces`, no encoded parts of answers are kept."""

    def __init__(self, schema: GraphQLSchema, pieces: Pieces | None = None) -> None:
        self._compiler = Compiler(
            schema,
            Options(
                gates=_gates(schema),
                # orjson writes a time as `isoformat` does, which the scalar's `serialize` calls.
                native={"DateTime": Exact(datetime, given=("tzinfo",))},
                plain=(Domain,),
                pieces=pieces,
                piece_keys={ORDER_TYPE: _order_piece},
                volatile=VOLATILE,
            ),
        )

    def of(self, operation: Operation) -> Program | None:
        """The program of `operation`; None for one that is new, or cannot be compiled."""
        if operation.program is None:
            if not operation.is_query or operation.runs < RUNS_BEFORE:
                operation.runs += 1
                return None
            operation.program = self._compile(operation)
        return operation.program or None

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
    """What tells one loaded order from another; None for one that will not be seen again."""
    token: object | None = order.loaded.token
    return token
