"""What can be set about queries: the table `[limits]`. Knows nothing of files or variables."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

LARGEST = 1_000_000_000
"""Of any limit. There is no way to switch one off, and a number this large does."""


class LimitSettings(BaseModel):
    """How much one operation may ask for, its fragments expanded. What asks for more is refused before anything runs.

    `gateway/schema/counting.py` says how each is counted, `gateway/schema/limits.py` how the limit of cost was found.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    depth: int = Field(
        default=15,
        ge=1,
        le=60,
        description="Most levels of fields. GraphiQL's introspection has 15; more than 60 do not fit Python's stack.",
    )
    aliases: int = Field(default=100, ge=0, le=LARGEST, description="Most aliases.")
    root_fields: int = Field(
        default=50, ge=1, le=LARGEST, description="Most fields of the first level, such as `order` or `orders`."
    )
    directives: int = Field(
        default=50, ge=0, le=LARGEST, description="Most directives, such as `@include` and `@skip`."
    )
    fragment_spreads: int = Field(
        default=200, ge=0, le=LARGEST, description="Most uses of fragments (`...Name`), those within fragments too."
    )
    tokens: int = Field(
        default=10_000,
        ge=100,
        le=1_000_000,
        description="Most words and signs of a document, whichever operation of it is run. A query for everything of "
        "an order has some 4,000. Reading a document takes time in proportion.",
    )
    cost: int = Field(
        default=150_000,
        ge=1,
        le=LARGEST,
        description="Most values that may have to be made: each field counts 1, times the sizes of the lists above it; "
        "a field that loads an order counts 180. An order's page costs some 700, a list of 100 orders with 20 events "
        "for each parcel half the default. A value takes some 14 µs of CPU.",
    )
