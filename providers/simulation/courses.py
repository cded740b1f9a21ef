"""The courses that parcels take: which events follow which, and how long after one another.

The documented events come from the sample and the lists of the Karla API reference (Search Orders; Shipment events). It
does not publish its table of event keys, so an event whose key, or whose name, is not documented has a stand-in that
says so: a key that begins with `SIM`, a name made from the vendor's webhook event groups. Phases are all Karla's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from providers.simulation.world import ScriptedEvent

HOUR = 3_600.0


@dataclass(frozen=True, slots=True)
class Step:
    """An event of a course, `gap_hours` after the one before. `at` says where: `hub` or `destination`, or nowhere."""

    key: str
    name: str
    phase: str
    gap_hours: float
    at: str | None = None


_CREATED = Step("A10", "ORDER_CREATED", "order_created", 0)
_PACKED = Step("A12", "ORDER_PROCESSED", "order_processed", 20)
# The sample gives these two one time: events of a parcel are not told apart by it.
_ANNOUNCED = Step("C20", "SHIPMENT_INFO_SENT_TO_LAST_MILE_SERVICE_PROVIDER", "order_processed", 0)
_SORTED = Step("E18", "DISPATCHED_FROM_SORTING_CENTER", "in_transit", 14, "hub")
_DEPARTED = Step("SIM-E1", "DEPARTURE_FROM_TRANSPORT_HUB", "in_transit", 9, "hub")
_OUT = Step("G20", "OUT_FOR_DELIVERY", "in_delivery", 12, "destination")
_DELIVERED = Step("H10", "SUCCESSFULLY_DELIVERED", "delivered", 4, "destination")
_ATTEMPTED = Step("SIM-G1", "DELIVERY_ATTEMPTED", "in_delivery", 4, "destination")
_FAILED = Step("SIM-G2", "SHIPMENT_DELIVERY_FAILED", "delivery_failed", 0.5, "destination")
_AT_SHOP = Step("SIM-F1", "SHIPMENT_DELIVERED_TO_PARCEL_SHOP", "collect", 12, "destination")
_PICKED_UP = Step("SIM-H1", "SHIPMENT_PICKED_UP", "delivered", 30, "destination")
_SENT_BACK = Step("SIM-R1", "SHIPMENT_FAILED_RETURNED", "returned", 48, "hub")
_RETURN_CREATED = Step("SIM-R2", "RETURN_SHIPMENT_PRE_TRANSIT", "return_created", 36, "destination")
_RETURN_TRANSIT = Step("SIM-R3", "RETURN_SHIPMENT_IN_TRANSIT", "return_transit", 16, "hub")
_RETURN_RECEIVED = Step("SIM-R4", "RETURN_SHIPMENT_RECEIVED", "return_received", 30, "hub")
_RETURN_LOST = Step("SIM-R5", "RETURN_SHIPMENT_FAILED", "return_failed", 60, "hub")

_TO_HUB = (_CREATED, _PACKED, _ANNOUNCED, _SORTED, _DEPARTED)
_TO_CUSTOMER = (*_TO_HUB, _OUT, _DELIVERED)

DELIVERY = _TO_CUSTOMER
SECOND_ATTEMPT = (
    *_TO_HUB,
    _OUT,
    _ATTEMPTED,
    _FAILED,
    Step("G20", _OUT.name, _OUT.phase, 20, "destination"),
    _DELIVERED,
)
COLLECTION = (*_TO_HUB, _AT_SHOP, _PICKED_UP)
REFUSAL = (*_TO_HUB, _OUT, _ATTEMPTED, _FAILED, _SENT_BACK)
CUSTOMER_RETURN = (*_TO_CUSTOMER, _RETURN_CREATED, _RETURN_TRANSIT, _RETURN_RECEIVED)
LOST_RETURN = (*_TO_CUSTOMER, _RETURN_CREATED, _RETURN_TRANSIT, _RETURN_LOST)

Course = tuple[Step, ...]


def steps_until(course: Course, phase: str) -> int:
    """How many steps lead up to and into the last event of `phase`."""
    return max(number for number, step in enumerate(course, 1) if step.phase == phase)


@dataclass(frozen=True, slots=True)
class Itinerary:
    """Where a parcel's events take place."""

    hub: str
    destination: str

    def town(self, step: Step) -> str | None:
        """The town of that step, or None for an event that has no place."""
        return {"hub": self.hub, "destination": self.destination}.get(step.at or "")


def script(
    course: Course, reached: int, age: timedelta, itinerary: Itinerary, random: Random
) -> tuple[ScriptedEvent, ...]:
    """The course as events, so that exactly its first `reached` have happened `age` after the order's placing.

    Times differ a little from parcel to parcel. A course that has not ended goes on within hours of `age`.
    """
    offsets = _offsets(course, reached, age.total_seconds(), random)
    return tuple(
        ScriptedEvent(timedelta(seconds=int(offset)), step.key, step.name, step.phase, itinerary.town(step))
        for step, offset in zip(course, offsets, strict=True)
    )


def _offsets(course: Course, reached: int, age: float, random: Random) -> list[float]:
    pace = random.uniform(0.8, 1.25)
    gaps = [step.gap_hours * HOUR * pace for step in course]
    done = _sums(gaps[:reached])
    scale = _scale(done[-1], age, ended=reached == len(course), random=random) if done else 1.0
    return [offset * scale for offset in done] + _ahead(gaps[reached:], age, random)


def _scale(last: float, age: float, *, ended: bool, random: Random) -> float:
    """What fits the past into `age`: an ended course keeps its pace if it can, another has news of today."""
    if not last:
        return 1.0
    newest = age - min(age * 0.2, random.uniform(0.5, 18) * HOUR)
    return min(1.0, newest / last) if ended else newest / last


def _ahead(gaps: list[float], age: float, random: Random) -> list[float]:
    """Offsets of what is still to come: the next within its gap, or in a day or more where nothing began."""
    if not gaps:
        return []
    first = random.uniform(0.4, 1.0) * gaps[0] if gaps[0] else random.uniform(24, 72) * HOUR
    return [age + offset for offset in _sums([first, *gaps[1:]])]


def _sums(gaps: list[float]) -> list[float]:
    total = 0.0
    sums = []
    for gap in gaps:
        total += gap
        sums.append(total)
    return sums
