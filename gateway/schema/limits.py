"""How much an operation may ask for, and what is said of one that asks for more.

What is counted stands in `gateway.schema.counting`, cost in `gateway.schema.costs`. The default limit of cost was found
by measurement (`python -m benchmarks limits`, figures in `docs/performance.md`), with copies at hand: a value takes
14 µs of CPU, an order with its trackings up to 2.6 ms, as long as 180 values. Operations just below the limit that were
built to be dear take 1 to 2 s. Calls to providers are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.schema.costs import Variables
from gateway.schema.counting import CountedOperation
from gateway.schema.settings import LimitSettings

MAX_NESTING = 60
"""Selections within one another: of fields, of fragments, and of inline fragments, which count nowhere else. It is no
setting, because Python's stack (1,000 frames) holds 100 or so of graphql-core's, and a loader's frames come on top."""

TOLD_TO = 1_000_000
"""What was found is told up to here; forty fragments can come to a million millions."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that is limited. `name` is for programs, `nouns` and `remedy` are for people."""

    name: str
    nouns: str
    remedy: str


DEPTH = Limit("depth", "levels of fields", "Read what lies deeper by its `id` in another request.")
NESTING = Limit("nesting", "selections within one another", "Use fewer fragments within fragments.")
ALIASES = Limit("aliases", "aliases", "Ask for several things by `nodes` or `orders`, or in several requests.")
ROOT_FIELDS = Limit("rootFields", "fields of the first level", "Spread them over several requests.")
DIRECTIVES = Limit("directives", "directives", "Leave out what is not wanted instead of skipping it.")
FRAGMENT_SPREADS = Limit(
    "fragmentSpreads", "fragments, counted wherever one is used", "Select the fields themselves, or use fewer."
)
TOKENS = Limit("tokens", "words and signs", "Pass values as variables, or split the document.")
COST = Limit("cost", "values", "Ask for less at once: a smaller `first`, or fewer lists within lists.")


@dataclass(frozen=True, slots=True)
class Held:
    """What was `found`, held against what a limit allows."""

    limit: Limit
    allowed: int
    found: int

    @property
    def is_exceeded(self) -> bool:
        return self.found > self.allowed

    @property
    def message(self) -> str:
        found = f"more than {TOLD_TO:,}" if self.found > TOLD_TO else f"{self.found:,}"
        return f"This asks for {found} {self.limit.nouns}; at most {self.allowed:,} are allowed. {self.limit.remedy}"

    @property
    def extensions(self) -> dict[str, Any]:
        """What a program can read. `found` goes no further than `TOLD_TO`."""
        return {"limit": self.limit.name, "allowed": self.allowed, "found": min(self.found, TOLD_TO)}


def first_exceeded(operation: CountedOperation, limits: LimitSettings, variables: Variables) -> Held | None:
    """The first of `limits` that `operation` exceeds with `variables` as the client sent them."""
    return next((each for each in _held(operation, limits, variables) if each.is_exceeded), None)


def too_many_tokens(limits: LimitSettings) -> Held:
    """The document is longer than allowed; by how much nobody knows, because reading it stopped there."""
    return Held(TOKENS, limits.tokens, limits.tokens + 1)


def _held(operation: CountedOperation, limits: LimitSettings, variables: Variables) -> Iterator[Held]:
    totals = operation.totals
    yield Held(NESTING, MAX_NESTING, totals.nesting)
    yield Held(DEPTH, limits.depth, totals.depth)
    yield Held(ALIASES, limits.aliases, totals.aliases)
    yield Held(ROOT_FIELDS, limits.root_fields, totals.root_fields)
    yield Held(DIRECTIVES, limits.directives, totals.directives)
    yield Held(FRAGMENT_SPREADS, limits.fragment_spreads, totals.fragment_spreads)
    yield Held(COST, limits.cost, operation.cost(variables))
