"""What resolvers learn of the field that they answer: the same `info` that Strawberry's executor makes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLResolveInfoHelpers,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.pyutils import Path, gather_with_cancel
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import _OperationContextAwareGraphQLResolveInfo as ResolveInfo
from strawberry.types.field import StrawberryField

from gateway.compiler.run import Run
from gateway.compiler.selections import FieldNodes

RawInfo = Callable[[Run, Path | None], GraphQLResolveInfo[Any]]
"""Makes graphql-core's info of one field, for a run and the path of the field."""


@dataclass(frozen=True)
class Infos:
    """Makes the infos of one operation."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    info_class: Callable[..., Any]

    def raw(self, parent: GraphQLObjectType, field: GraphQLField, nodes: FieldNodes) -> RawInfo:
        """What graphql-core hands to `resolve`, `resolve_type` and `is_type_of`."""
        name, field_nodes, return_type = nodes[0].name.value, list(nodes), field.type
        schema, fragments, operation = self.schema, dict(self.fragments), self.operation

        def make(run: Run, path: Path | None) -> Any:
            return ResolveInfo(
                name,
                field_nodes,
                return_type,
                parent,
                path,  # type: ignore[arg-type]  # None only for functions of Strawberry's that read none
                schema,
                fragments,
                run.root_value,
                operation,
                run.variables.coerced,
                run.context,
                optimized_is_awaitable,
                None,
                HELPERS,
                None,  # type: ignore[arg-type]  # as Strawberry passes it on where there are none
            )

        return make

    def strawberry(self, raw: RawInfo, definition: StrawberryField) -> Callable[[Run, Path | None], Any]:
        """What Strawberry hands to a user's function."""
        info_class = self.info_class
        return lambda run, path: info_class(_raw_info=raw(run, path), _field=definition)


_background: set[asyncio.Future[Any]] = set()


def _gather(values: Sequence[Awaitable[Any]]) -> Awaitable[list[Any]]:
    return gather_with_cancel(*values)


def _track(values: Sequence[Any]) -> None:
    """Let what was left behind settle in the background, as graphql-core does."""
    awaitables = [value for value in values if optimized_is_awaitable(value)]
    if awaitables:
        future = asyncio.gather(*awaitables, return_exceptions=True)
        _background.add(future)
        future.add_done_callback(_background.discard)


HELPERS = GraphQLResolveInfoHelpers(gather=_gather, track=_track)
