"""What a selection on one order needs to have asked, as data.

Every field of an order that is not known by itself stands for one `Need`. The service turns needs into loads; the
schema turns a client's selection into needs, and a failed need back into the fields that go without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from gateway.orders.identity import OrderName


class Part(Enum):
    """What kind of thing is needed of an order.

    A `*_NAME` is needed from the order source only while it is not known from the key; `TRACKINGS` come from every
    provider named (all, when none is), `ESTIMATE` only from those that make estimates, `STATUS` down the order of trust
    until a provider tells one. `REFERENCES` are read from the store and ask nobody.
    """

    ORDER_NUMBER = auto()
    ORDER_NAME = auto()
    EXTERNAL_ID = auto()
    UUID = auto()
    DETAILS = auto()
    TRACKINGS = auto()
    ESTIMATE = auto()
    STATUS = auto()
    REFERENCES = auto()


NAME_PARTS: Mapping[Part, OrderName] = {
    Part.ORDER_NUMBER: OrderName.NUMBER,
    Part.ORDER_NAME: OrderName.NAME,
    Part.EXTERNAL_ID: OrderName.EXTERNAL_ID,
    Part.UUID: OrderName.UUID,
}
"""The parts that are names of the order."""


@dataclass(frozen=True, slots=True)
class Need:
    """One part, from the providers named; None stands for all that the shop has."""

    part: Part
    providers: frozenset[str] | None = None
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Once: an enum's own is worked out by Python code each time, and needs are looked up by many times a query.
        object.__setattr__(self, "_hash", hash((self.part.value, self.providers)))

    def __hash__(self) -> int:
        return self._hash

    def names(self, provider: str) -> bool:
        """Whether this need may ask `provider`."""
        return self.providers is None or provider in self.providers
