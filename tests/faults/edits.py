"""What Karla's JSON can say that it should not: each changes the answer of a search (`providers/karla/wire.py`)."""

from __future__ import annotations

from typing import Any

from tests.faults.front import Edit

OPTIONAL = ("total_order_price", "currency", "products", "address", "discounts", "order_status_url")
"""Members without which an order is still an order."""

LONG_AGO = "2001-01-01T00:00:00Z"
FAR_AHEAD = "2999-12-31T23:59:59Z"


def without(*names: str) -> Edit:
    """The orders without these members."""
    return lambda orders: [{name: value for name, value in order.items() if name not in names} for order in orders]


def with_members(**members: Any) -> Edit:
    """The orders with these members in place of their own."""
    return lambda orders: [{**order, **members} for order in orders]


def with_nulls(*names: str) -> Edit:
    return with_members(**dict.fromkeys(names))


def with_events(change: Edit) -> Edit:
    """The events of each parcel changed as a list, which Karla sends newest first."""

    def edit(orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {**order, "trackings": [{**parcel, "events": change(parcel["events"])} for parcel in order["trackings"]]}
            for order in orders
        ]

    return edit


def repeated(events: list[Any]) -> list[Any]:
    return events * 3


def shuffled(events: list[Any]) -> list[Any]:
    """Oldest first, and the two ends swapped: neither of the orders that a list of times can have by itself."""
    turned = events[::-1]
    return [turned[-1], *turned[1:-1], turned[0]] if len(turned) > 1 else turned


def with_one_dated(time: str, name: str) -> Edit:
    """One more event, listed as the newest, that says it happened at `time`."""
    return lambda events: [{**events[0], "time": time, "event_name": name, "phase": "order_processed"}, *events]


def newest_in_phase(phase: str) -> Edit:
    return lambda events: [{**events[0], "phase": phase}, *events[1:]]
