"""Invents the orders of the simulated world: the same ones for the same moment, number and seed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count as count_from
from itertools import cycle, islice
from random import Random
from string import ascii_uppercase, digits
from unicodedata import normalize
from uuid import UUID

from providers.simulation.catalogue import BUNDLES, CARRIERS, CUSTOMERS, DRIVERS, PRODUCTS
from providers.simulation.clock import SimulationClock
from providers.simulation.courses import (
    COLLECTION,
    CUSTOMER_RETURN,
    DELIVERY,
    LOST_RETURN,
    REFUSAL,
    SECOND_ATTEMPT,
    Course,
    Itinerary,
    script,
    steps_until,
)
from providers.simulation.places import HUBS, TOWNS, Place
from providers.simulation.world import (
    ScriptedEvent,
    ScriptedParcel,
    ScriptedProduct,
    ScriptedStop,
    SimulatedOrder,
    Story,
    World,
)

NEWEST_WITH_PARCEL = 30
"""How many of the newest orders have a parcel each: one page of Karla's default size."""

RESERVED_NUMBERS = frozenset({"1234"})
"""Numbers of the orders that the providers' own documentation shows."""

_FIRST_NUMBER = 1001
_BETWEEN_ORDERS = timedelta(hours=5)
_LONGEST_HISTORY = timedelta(days=365)
_CENT = Decimal("0.01")
_DISCOUNT_CODE = "WELCOME10"
_DISCOUNT_RATE = Decimal("0.10")


@dataclass(frozen=True, slots=True)
class _Load:
    """What one parcel goes through, and how many of its steps are behind it."""

    course: Course
    reached: int


def _whole(course: Course) -> _Load:
    return _Load(course, len(course))


def _until(course: Course, phase: str) -> _Load:
    return _Load(course, steps_until(course, phase))


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a story is told: each of its orders takes the next of `variants` (a parcel each), over and over.

    An order takes the story at an age between `youngest` and `oldest`, so that a page of orders looks like a shop's.
    """

    variants: tuple[tuple[_Load, ...], ...]
    youngest: timedelta
    oldest: timedelta = _LONGEST_HISTORY * 2


_IN_TRANSIT = _until(DELIVERY, "in_transit")
_ON_THE_VAN = _until(DELIVERY, "in_delivery")
_PACKED = _until(DELIVERY, "order_processed")
_ATTEMPTED = _until(SECOND_ATTEMPT, "delivery_failed")

_PLANS: Mapping[Story, _Plan] = {
    Story.DELIVERED: _Plan(((_whole(DELIVERY),), (_whole(SECOND_ATTEMPT),)), timedelta(days=2)),
    Story.IN_TRANSIT: _Plan(((_IN_TRANSIT,), (_Load(DELIVERY, 4),)), timedelta(hours=12), timedelta(days=10)),
    Story.OUT_FOR_DELIVERY: _Plan(((_ON_THE_VAN,),), timedelta(hours=30), timedelta(days=10)),
    Story.FAILED: _Plan(((_ATTEMPTED,),), timedelta(days=2), timedelta(days=10)),
    Story.RETURNED: _Plan(
        (
            (_whole(REFUSAL),),
            (_whole(CUSTOMER_RETURN),),
            (_until(CUSTOMER_RETURN, "return_transit"),),
            (_whole(LOST_RETURN),),
        ),
        timedelta(days=5),
        timedelta(days=25),
    ),
    Story.SEVERAL_PARCELS: _Plan(
        (
            (_whole(DELIVERY), _IN_TRANSIT),
            (_ON_THE_VAN, _IN_TRANSIT, _PACKED),
            (_whole(DELIVERY), _whole(DELIVERY)),
            (_whole(DELIVERY), _ATTEMPTED),
            (_IN_TRANSIT, _IN_TRANSIT, _PACKED, _Load(DELIVERY, 0)),
        ),
        timedelta(hours=44),
        timedelta(days=15),
    ),
    Story.NONE_YET: _Plan(
        ((_Load(DELIVERY, 0),), (_Load(DELIVERY, 0), _Load(DELIVERY, 0))), timedelta(0), timedelta(days=21)
    ),
    Story.PICK_UP: _Plan(
        ((_until(COLLECTION, "collect"),), (_whole(COLLECTION),)), timedelta(hours=40), timedelta(days=12)
    ),
    Story.BUNDLE: _Plan((), timedelta(0)),
    Story.OWN_DRIVER: _Plan(((_IN_TRANSIT,), ()), timedelta(hours=30), timedelta(days=15)),
}
"""BUNDLE has no variants: its parcel has come as far as its age lets it."""

_ROTATION: tuple[Story, ...] = (
    Story.DELIVERED,
    Story.IN_TRANSIT,
    Story.OUT_FOR_DELIVERY,
    Story.SEVERAL_PARCELS,
    Story.PICK_UP,
    Story.OWN_DRIVER,
    Story.DELIVERED,
    Story.RETURNED,
    Story.FAILED,
    Story.NONE_YET,
    Story.IN_TRANSIT,
    Story.OWN_DRIVER,
    Story.BUNDLE,
)

_FLAGS: Mapping[Story, tuple[str, ...]] = {
    Story.IN_TRANSIT: ("normal", "delay", "normal", "error"),
    Story.OUT_FOR_DELIVERY: ("normal", "normal", "delay"),
    Story.FAILED: ("normal", "error"),
    Story.RETURNED: ("error", "normal"),
}
"""Karla's flags, taken in turn; `normal` for every other story."""


@dataclass(frozen=True, slots=True)
class _Drive:
    """How far the first stop of a driver's route is: hours from now, negative for what has happened."""

    scheduled: float
    assigned: float
    started: float
    arrived: float
    completed: float
    cancelled: bool = False

    @property
    def is_under_way(self) -> bool:
        return self.started <= 0 < self.completed


_DRIVES: tuple[_Drive, ...] = (
    _Drive(scheduled=0.5, assigned=-3, started=-0.6, arrived=0.4, completed=0.5),
    _Drive(scheduled=-5, assigned=-14, started=-6, arrived=-5.2, completed=-5.1),
    _Drive(scheduled=20, assigned=2, started=19, arrived=19.7, completed=19.8),
    _Drive(scheduled=-0.15, assigned=-5, started=-1.1, arrived=-0.05, completed=0.3),
    _Drive(scheduled=6, assigned=-8, started=5, arrived=5.8, completed=5.9),
    _Drive(scheduled=-0.6, assigned=-4, started=-1.4, arrived=0.2, completed=0.3),
    _Drive(scheduled=-5, assigned=-14, started=-6, arrived=-5.2, completed=-5.1, cancelled=True),
)
"""On the way, done, not assigned, a little late at the door, assigned, far too late, cancelled. Each is a route that
two orders running share."""

_NEXT_STOP = 1 / 3
"""Hours between the two stops of a route."""


def generate_orders(now: datetime, count: int = 240, seed: int = 7) -> tuple[SimulatedOrder, ...]:
    """`count` orders that a shop has at `now`, the newest first, numbered up to the newest.

    From 200 orders on, every `Story` has several. Each of the newest 30 has a parcel whose number is known. Numbers in
    `RESERVED_NUMBERS` are left out. Everything scripted for later than `now` happens as the clock moves on.
    """
    return _Generator(now, Random(seed)).orders(count)  # noqa: S311 - repeatable on purpose


def generate_world(clock: SimulationClock, count: int = 240) -> World:
    """A world of `count` generated orders that lives by `clock`."""
    return World(generate_orders(clock.now(), count), clock)


class _Generator:
    def __init__(self, now: datetime, random: Random) -> None:
        self._now = now
        self._random = random
        self._stories = deque(_ROTATION)
        self._variants = {story: cycle(plan.variants) for story, plan in _PLANS.items()}
        self._flags = {story: cycle(flags) for story, flags in _FLAGS.items()}
        self._stops = 0
        self._town = TOWNS[0]
        self._on_the_road: set[str] = set()
        self._route = self._new_route()

    def orders(self, count: int) -> tuple[SimulatedOrder, ...]:
        numbers = list(islice(_free_numbers(), count))
        gap = min(_BETWEEN_ORDERS, _LONGEST_HISTORY / max(count, 1))
        return tuple(
            self._order(number, index, _BETWEEN_ORDERS + index * gap) for index, number in enumerate(reversed(numbers))
        )

    def _order(self, number: str, index: int, about: timedelta) -> SimulatedOrder:
        random = self._random
        placed_at = (self._now - about - timedelta(seconds=random.randrange(3_600))).replace(microsecond=0)
        age = self._now - placed_at
        story = self._next_story(age, may_lack_parcel=index >= NEWEST_WITH_PARCEL)
        home = self._home(story)
        customer = random.choice(CUSTOMERS[home.country_code])
        products = self._products(story)
        loads = self._loads(story, age, may_lack_parcel=index >= NEWEST_WITH_PARCEL)
        sums = self._sums(products)
        is_paypal = index % 5 in (0, 1, 3)
        return SimulatedOrder(
            number=number,
            name=f"#{number}",
            external_id=str(random.randrange(10**12, 10**13)),
            uuid=self._uuid(),
            story=story,
            placed_at=placed_at,
            customer=customer,
            email=f"{_plain(customer).replace(' ', '.')}@example.com",
            street=f"{random.choice(home.streets)} {random.randrange(1, 180)}",
            zip_code=home.zip_code,
            city=home.city,
            country_code=home.country_code,
            products=products,
            total=sums["total"],
            shipping=sums["shipping"],
            currency="EUR",
            expected_shipments=max(1, len(loads)),
            parcels=tuple(self._parcel(load, story, age, home) for load in loads),
            paypal_order_id=self._paypal_id() if is_paypal else None,
            capture_id=self._paypal_id() if is_paypal else None,
            stop=self._stop(home, placed_at) if story is Story.OWN_DRIVER else None,
            discount=sums["discount"],
            discount_code=_DISCOUNT_CODE if sums["discount"] != "0.00" else None,
        )

    def _home(self, story: Story) -> Place:
        """The customer's town: any, but for the second stop of a route that of the first."""
        town = self._random.choice(TOWNS)
        is_second_stop = story is Story.OWN_DRIVER and self._stops % 2 == 1
        return self._town if is_second_stop else town

    def _next_story(self, age: timedelta, *, may_lack_parcel: bool) -> Story:
        """The story whose turn it is among those that an order of that age can have."""
        for story in self._stories:
            plan = _PLANS[story]
            if plan.youngest <= age <= plan.oldest and (may_lack_parcel or story is not Story.NONE_YET):
                self._stories.remove(story)
                self._stories.append(story)
                return story
        raise AssertionError("a bundle can have any age")

    def _loads(self, story: Story, age: timedelta, *, may_lack_parcel: bool) -> tuple[_Load, ...]:
        if story is Story.BUNDLE:
            return (_as_far_as(DELIVERY, age),)
        loads = next(self._variants[story])
        return loads if loads or may_lack_parcel else next(self._variants[story])

    def _parcel(self, load: _Load, story: Story, age: timedelta, home: Place) -> ScriptedParcel:
        random = self._random
        carrier = random.choice(CARRIERS[home.country_code])
        itinerary = Itinerary(random.choice(HUBS), home.city)
        events = script(load.course, load.reached, age, itinerary, random)
        flags = self._flags.get(story)
        return ScriptedParcel(
            shipment_uuid=self._uuid(),
            tracking_number="".join(random.choice(digits) if sign == "#" else sign for sign in carrier.pattern),
            carrier_reference=carrier.reference,
            flag=next(flags) if flags else "normal",
            events=events,
            window=_window(events) if random.random() < 0.85 else None,
            pickup=load.course is COLLECTION,
        )

    def _products(self, story: Story) -> tuple[ScriptedProduct, ...]:
        random = self._random
        bundles = (random.choice(BUNDLES),) if story is Story.BUNDLE else ()
        singles = random.sample(PRODUCTS, k=random.randrange(1, 4))
        return (*bundles, *(_times(product, random.choice((1, 1, 1, 2, 3))) for product in singles))

    def _sums(self, products: tuple[ScriptedProduct, ...]) -> dict[str, str]:
        goods = sum((Decimal(product["price"]) * product["quantity"] for product in products), Decimal())
        shipping = Decimal("0.00") if goods >= 100 else Decimal("4.99")
        discount = (goods * _DISCOUNT_RATE).quantize(_CENT) if self._random.random() < 0.25 else Decimal("0.00")
        return {"total": str(goods + shipping - discount), "shipping": str(shipping), "discount": str(discount)}

    def _stop(self, home: Place, placed_at: datetime) -> ScriptedStop:
        """The order's drop; two orders running are stops of one route, in one town and with one driver."""
        drive = _DRIVES[self._stops // 2 % len(_DRIVES)]
        is_first = self._stops % 2 == 0
        if is_first:
            self._route, self._town = self._new_route(), home
        self._stops += 1
        route_handle, worker_handle, device_id = self._route
        if drive.is_under_way:
            self._on_the_road.add(worker_handle)
        later = 0 if is_first else _NEXT_STOP

        def offset(hours: float) -> timedelta:
            return timedelta(seconds=int((self._now + timedelta(hours=hours) - placed_at).total_seconds()))

        return ScriptedStop(
            route_handle=route_handle,
            worker_handle=worker_handle,
            device_id=device_id,
            latitude=round(home.latitude + self._random.uniform(-0.02, 0.02), 6),
            longitude=round(home.longitude + self._random.uniform(-0.02, 0.02), 6),
            scheduled=offset(drive.scheduled + later),
            assigned=offset(drive.assigned),
            started=offset(drive.started),
            arrived=offset(drive.arrived + later),
            completed=offset(drive.completed + later),
            cancelled=drive.cancelled,
        )

    def _new_route(self) -> tuple[str, str, str]:
        """Handles of a route, of its driver, and of his device; one who is on the road drives no other route."""
        free = [driver for driver in DRIVERS if driver not in self._on_the_road]
        return self._uuid(), self._random.choice(free or DRIVERS), self._uuid().upper()

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def _paypal_id(self) -> str:
        return "".join(self._random.choices(ascii_uppercase + digits, k=17))


def _free_numbers() -> Iterator[str]:
    return (text for number in count_from(_FIRST_NUMBER) if (text := str(number)) not in RESERVED_NUMBERS)


def _plain(text: str) -> str:
    """Lower-case ASCII: accents go, letters without one that ASCII lacks go too."""
    return normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()


def _times(product: ScriptedProduct, quantity: int) -> ScriptedProduct:
    return {**product, "quantity": quantity}


def _as_far_as(course: Course, age: timedelta) -> _Load:
    """The load that a parcel of that age has behind it at the course's own pace."""
    hours, reached = 0.0, 0
    for step in course:
        hours += step.gap_hours
        if hours > age / timedelta(hours=1):
            break
        reached += 1
    return _Load(course, reached)


def _window(events: tuple[ScriptedEvent, ...]) -> tuple[timedelta, timedelta] | None:
    """Two hours on either side of the arrival, as a carrier would say it; None where no arrival is scripted."""
    arrivals = [event.after for event in events if event.phase in ("delivered", "collect")]
    return (arrivals[0] - timedelta(hours=2), arrivals[0] + timedelta(hours=2)) if arrivals else None
