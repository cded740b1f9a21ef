"""Orders in Karla's JSON in whatever shape a measurement needs: so many parcels, with so many events each.

An order is one of the simulators' own world under another number and with its parcel's events repeated, so its members
are those of the Karla API reference (Search Orders). The world stands still at one instant: the same call gives the
same bytes on any day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import cycle, islice
from typing import Any

import orjson

from providers.karla.simulator_orders import to_order
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_world

_PRESENT = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""Any instant would do; this one is a working day with parcels in every phase."""

_BETWEEN_EVENTS = timedelta(hours=1)
_LAST_EVENTS = {True: "delivered", False: "in_transit"}

NUMBER_DIGITS = 12
"""As many as the last group of a UUID has, which is made of an order's number."""

Json = dict[str, Any]


def order_json(number: str, *, trackings: int = 2, events: int = 6, delivered: bool = True) -> Json:
    """The order `number` with so many parcels, each with so many events at a place, an hour apart, the newest first.

    `delivered` says how the parcels ended: delivered, or in transit still. Ids are made of `number`, which has
    `NUMBER_DIGITS` digits, or is a text of another program's that stands for as many.
    """
    pattern = _pattern()
    return {
        **pattern,
        "order_number": number,
        "order_name": f"#{number}",
        "external_id": number,
        "uuid": f"00000000-0000-4000-8000-{number}",
        "trackings": [_tracking(number, place, events, delivered) for place in range(trackings)],
    }


def order_number(place: int) -> str:
    """The number of the order at `place` in a shop, from 0."""
    return f"{place + 1:0{NUMBER_DIGITS}}"


def _tracking(number: str, place: int, events: int, delivered: bool) -> Json:
    tracking = _pattern()["trackings"][0]
    uuid = f"00000000-0000-4000-8{place:03x}-{number}"
    return {
        **tracking,
        "uuid": uuid,
        "id": uuid,
        "order_id": f"00000000-0000-4000-8000-{number}",
        "order_number": number,
        "carrier": {**tracking["carrier"], "tracking_number": f"T{number}-{place}"},
        "events": _events(tracking["events"], events, _LAST_EVENTS[delivered]),
    }


def _events(pattern: Sequence[Json], count: int, last_phase: str) -> list[Json]:
    """`count` of the events of `pattern` that have a place, over and over; the newest is of `last_phase`."""
    located = [event for event in pattern if "location" in event]
    newest = next(event for event in located if event["phase"] == last_phase)
    earlier = [event for event in located if event["phase"] != "delivered"]
    chosen = [newest, *islice(cycle(earlier), count - 1)]
    ended = datetime.fromisoformat(newest["time"])
    return [{**event, "time": (ended - _BETWEEN_EVENTS * age).isoformat()} for age, event in enumerate(chosen)]


@cache
def _pattern() -> Json:
    """The smallest order of the simulators' world with several parcels, the first of which was delivered when told."""
    world = generate_world(SimulationClock(lambda: _PRESENT, 0.0))
    orders = (to_order(order, world) for order in world.orders)
    return min(filter(_is_fit, orders), key=lambda order: len(orjson.dumps(order)))


def _is_fit(order: Json) -> bool:
    first, *more = order["trackings"] or [{"events": ()}]
    has_arrived = any(event["phase"] == "delivered" for event in first["events"])
    return bool(more) and has_arrived and "estimated_arrival" in first
