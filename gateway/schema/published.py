"""The published schema, and its text."""

from __future__ import annotations

import strawberry
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig

from gateway.schema.access import guard
from gateway.schema.mutation import Mutation
from gateway.schema.query import Query
from gateway.schema.scalars import SCALARS
from gateway.schema.types.tracking import TYPES

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    types=list(TYPES.values()),
    config=StrawberryConfig(scalar_map=SCALARS),
)

guard(schema._schema)  # Strawberry has no public name for the graphql-core schema that it builds


def sdl() -> str:
    """The schema as text, as `schema.graphql` holds it."""
    return print_schema(schema) + "\n"
