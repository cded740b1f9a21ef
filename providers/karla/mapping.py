"""From Karla's JSON to the domain: pure, and the only place that knows what Karla's words mean.

Sources: Karla API reference, Orders, for members and samples; the enumerations of the vendor's Dart client (generated
from Karla's OpenAPI 1.0.0) for phases and flags.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from operator import is_not

from pydantic import BaseModel

from providers.construction import constructor, same_members
from providers.karla.profile import PROFILE
from providers.karla.wire import (
    WireAdditionalInfo,
    WireAddress,
    WireDiscount,
    WireEstimatedArrival,
    WireEvent,
    WireEventStrings,
    WireLocation,
    WireOrder,
    WirePickup,
    WirePreferredDelivery,
    WireProduct,
    WireTaxLine,
    WireTracking,
)
from providers.models import (
    AdditionalInfo,
    Address,
    Carrier,
    CarrierTracking,
    Discount,
    EstimatedArrival,
    EventLabels,
    Location,
    Money,
    OpeningHours,
    Order,
    PickupPoint,
    PreferredDelivery,
    Product,
    ProductImage,
    TaxLine,
    TrackingEvent,
    TrackingStatus,
)
from providers.parsing import is_on_earth, parse_instant, web_url

STATUS_BY_PHASE: Mapping[str, TrackingStatus] = {
    "order_created": TrackingStatus.PENDING,
    "order_processed": TrackingStatus.INFO_RECEIVED,
    "in_transit": TrackingStatus.IN_TRANSIT,
    "in_delivery": TrackingStatus.OUT_FOR_DELIVERY,
    "collect": TrackingStatus.AVAILABLE_FOR_PICKUP,
    "delivery_failed": TrackingStatus.ATTEMPT_FAILED,
    "delivered": TrackingStatus.DELIVERED,
    "return_created": TrackingStatus.RETURNING,
    "return_transit": TrackingStatus.RETURNING,
    "return_received": TrackingStatus.RETURNED,
    "returned": TrackingStatus.RETURNED,
    "return_failed": TrackingStatus.EXCEPTION,
}
"""Karla's phases, all that its OpenAPI lists. One event name belongs to exactly one phase, so the name adds nothing."""

RETURN_PHASES: frozenset[str] = frozenset(
    {"return_created", "return_transit", "return_received", "returned", "return_failed"}
)
"""The phases of a parcel on its way back; only these follow a delivery."""

STATUS_BY_FLAG: Mapping[str, TrackingStatus] = {
    "delay": TrackingStatus.DELAYED,
    "error": TrackingStatus.EXCEPTION,
}
"""Karla's flags that change a status; `normal` and a flag we do not know leave it to the phase."""

END_STATUSES: frozenset[TrackingStatus] = frozenset(
    {TrackingStatus.DELIVERED, TrackingStatus.RETURNED, TrackingStatus.EXCEPTION}
)
"""Where a flag says nothing new: the parcel has arrived, is back, or its return has failed."""

# What the wire models have read is not read again.
new_additional_info = constructor(AdditionalInfo)
new_address = constructor(Address)
new_carrier = constructor(Carrier)
new_carrier_tracking = constructor(CarrierTracking)
new_discount = constructor(Discount)
new_estimated_arrival = constructor(EstimatedArrival)
new_money = constructor(Money)
new_opening_hours = constructor(OpeningHours)
new_order = constructor(Order)
new_pickup_point = constructor(PickupPoint)
new_preferred_delivery = constructor(PreferredDelivery)
new_product = constructor(Product)
new_product_image = constructor(ProductImage)
new_tax_line = constructor(TaxLine)
new_tracking_event = constructor(TrackingEvent)
to_event_labels = same_members(WireEventStrings, EventLabels)
to_location = same_members(WireLocation, Location)

_BEFORE_ALL_TIMES = datetime.min.replace(tzinfo=UTC)


def to_order(wire: WireOrder) -> Order:
    """The order with its trackings. Prices are in the order's currency, or in none when Karla named none."""
    currency = wire.currency
    return new_order(
        order_number=wire.order_number,
        order_name=wire.order_name,
        external_id=wire.external_id,
        uuid=wire.uuid,
        placed_at=parse_instant(wire.order_placed_at),
        total_price=_money(wire.total_order_price, currency),
        shipping_price=_money(wire.shipping_price, currency),
        sub_total_price=_money(wire.sub_total_price, currency),
        discount_price=_money(wire.discount_price, currency),
        currency=currency,
        products=None if wire.products is None else _products(wire.products, currency),
        discounts=None if wire.discounts is None else tuple(_discount(discount) for discount in wire.discounts),
        address=_address(wire.address),
        email_id=wire.email_id,
        external_customer_id=wire.external_customer_id,
        segments=None if wire.segments is None else tuple(wire.segments),
        weight_grams=wire.weight,
        status_url=web_url(wire.order_status_url),
        merchant_slug=wire.merchant_slug,
        preferred_delivery=_preferred_delivery(wire.preferred_delivery_date),
        user_agent=None if wire.user_agent is None else tuple(wire.user_agent),
        analytics=wire.order_analytics,
        expected_shipments=wire.expected_number_of_shipments,
        trackings=tuple(to_tracking(tracking, currency) for tracking in wire.trackings or ()),
    )


def to_tracking(wire: WireTracking, currency: str | None = None) -> CarrierTracking:
    """The tracking, its products priced in `currency` (a tracking itself names none).

    `created_at` is None: Karla does not tell it.
    """
    events = tuple(_event(event) for event in wire.events or ())
    deciding = _deciding_event(events)
    number = wire.carrier.tracking_number if wire.carrier else None
    return new_carrier_tracking(
        provider=PROFILE.name,
        tracking_number=number,
        tracking_url=web_url(wire.carrier.tracking_url) if wire.carrier else None,
        carrier=_carrier(wire),
        status=_status(deciding.status if deciding else _status_without_events(number), wire.flag),
        provider_status=deciding.phase if deciding else None,
        updated_at=parse_instant(wire.updated_at),
        events=events,
        estimated_arrival=_estimated_arrival(wire.estimated_arrival),
        uuid=wire.uuid,
        shipment_id=wire.id or wire.uuid,
        phase=deciding.phase if deciding else None,
        flag=wire.flag,
        pickup=_pickup(wire.pickup),
        products=_products(wire.products or (), currency),
        merchant_id=wire.merchant_id,
        merchant_slug=wire.merchant_slug,
        shop_slug=wire.shop_slug,
        order_uuid=wire.order_id,
        order_number=wire.order_number,
    )


def _status(of_phase: TrackingStatus, flag: str | None) -> TrackingStatus:
    if of_phase in END_STATUSES:
        return of_phase
    return STATUS_BY_FLAG.get(flag or "", of_phase)


def _status_without_events(tracking_number: str | None) -> TrackingStatus:
    """A number without an event is the merchant's word and nobody's scan; without a number it is a draft shipment."""
    return TrackingStatus.INFO_RECEIVED if tracking_number else TrackingStatus.PENDING


def _deciding_event(events: Sequence[TrackingEvent]) -> TrackingEvent | None:
    """The event that the tracking's status follows from: the newest, but after a delivery only a return moves it."""
    newest_first = _newest_first(events)
    delivered = next((at for at, event in enumerate(newest_first) if event.phase == "delivered"), None)
    if delivered is None:
        return newest_first[0] if newest_first else None
    returns = (event for event in newest_first[:delivered] if event.phase in RETURN_PHASES)
    return next(returns, newest_first[delivered])


def _newest_first(events: Iterable[TrackingEvent]) -> list[TrackingEvent]:
    """By instant, at equal instants in Karla's own order, which is newest first; then those without one, by text."""
    return sorted(events, key=_time_key, reverse=True)  # `reverse` keeps equal elements in their order


def _time_key(event: TrackingEvent) -> tuple[datetime, str]:
    if event.occurred_at is not None:
        return event.occurred_at, ""
    return _BEFORE_ALL_TIMES, event.occurred_at_text or ""


def _event(wire: WireEvent) -> TrackingEvent:
    location = _location(wire.location)
    return new_tracking_event(
        status=STATUS_BY_PHASE.get(wire.phase or "", TrackingStatus.UNKNOWN),
        occurred_at=parse_instant(wire.time),
        occurred_at_text=wire.time,
        timezone=wire.timezone or (location.timezone if location else None),
        phase=wire.phase,
        code=wire.event_key,
        name=wire.event_name,
        labels=_labels(wire.event_strings),
        location=location,
        language=wire.language,
        additional_info=_additional_info(wire.additional_info),
    )


def _location(wire: WireLocation | None) -> Location | None:
    """The location, without coordinates that no place has."""
    if wire is None or _says_nothing(wire):
        return None
    if is_on_earth(wire.latitude or 0, wire.longitude or 0):
        return to_location(wire)
    return to_location(wire.model_copy(update={"latitude": None, "longitude": None}))


def _labels(wire: WireEventStrings | None) -> EventLabels | None:
    return None if wire is None or _says_nothing(wire) else to_event_labels(wire)


def _additional_info(wire: WireAdditionalInfo | None) -> AdditionalInfo | None:
    if wire is None or _says_nothing(wire):
        return None
    return new_additional_info(
        pickup_point=wire.pickup_point,
        pickup_point_url=web_url(wire.pickup_point_url),
        pickup_time=parse_instant(wire.pickup_time),
        pickup_opening_hours=tuple(
            new_opening_hours(day=day, hours=hours) for day, hours in (wire.pickup_opening_hours or {}).items()
        ),
        mail_message=wire.mail_message,
        merchant_name=wire.merchant_name,
        preferred_delivery_date=parse_instant(wire.preferred_delivery_date),
        tracking_link=web_url(wire.tracking_link),
        carrier_name=wire.carrier_name,
        date=parse_instant(wire.date),
    )


def _estimated_arrival(wire: WireEstimatedArrival | None) -> EstimatedArrival | None:
    if wire is None or _says_nothing(wire):
        return None
    return new_estimated_arrival(
        provider=PROFILE.name,
        start=parse_instant(wire.start),
        end=parse_instant(wire.to),
        prediction=wire.time_prediction,
        language=wire.language,
    )


def _carrier(wire: WireTracking) -> Carrier | None:
    """Karla names the carrier by its own short reference (`dhl`); no member of a tracking holds a full name."""
    reference = wire.carrier.carrier_reference if wire.carrier else None
    return new_carrier(reference=reference) if reference else None


def _pickup(wire: WirePickup | None) -> PickupPoint | None:
    if wire is None or _says_nothing(wire):
        return None
    return new_pickup_point(
        type=wire.type,
        name=wire.name,
        address=_address(wire.address),
        url=web_url(wire.url),
        opening_hours=wire.opening_hours,
        available_until=parse_instant(wire.date_to),
    )


def _products(wires: Iterable[WireProduct], currency: str | None) -> tuple[Product, ...]:
    return tuple(_product(wire, currency) for wire in wires)


def _product(wire: WireProduct, currency: str | None) -> Product:
    return new_product(
        title=wire.title,
        quantity=wire.quantity,
        price=_money(wire.price, currency),
        size=wire.size,
        images=tuple(new_product_image(src=web_url(image.src), alt=image.alt) for image in wire.images or ()),
        sku=wire.sku,
        weight_grams=wire.weight,
        tax_lines=tuple(_tax_line(line) for line in wire.tax_lines or ()),
        bundled_products=_products(wire.bundled_products or (), currency),
        shipment_id=wire.shipment_id,
        type=wire.type,
    )


def _tax_line(wire: WireTaxLine) -> TaxLine:
    return new_tax_line(title=wire.title, rate=wire.rate, price=_money(wire.price, wire.currency))


def _discount(wire: WireDiscount) -> Discount:
    return new_discount(code=wire.code, amount=wire.amount, type=wire.type)


def _preferred_delivery(wire: WirePreferredDelivery | None) -> PreferredDelivery | None:
    if wire is None or _says_nothing(wire):
        return None
    return new_preferred_delivery(
        start=parse_instant(wire.start),
        end=parse_instant(wire.end),
        updated_at=parse_instant(wire.updated_at),
        source=wire.source,
    )


def _address(wire: WireAddress | None) -> Address | None:
    if wire is None or _says_nothing(wire):
        return None
    return new_address(
        name=wire.name,
        company=wire.company,
        street=wire.street,
        address_line1=wire.address_line_1,
        address_line2=wire.address_line_2,
        zip_code=wire.zip_code,
        city=wire.city,
        province=wire.province,
        province_code=wire.province_code,
        country=wire.country,
        country_code=wire.country_code,
        phone=wire.phone,
    )


def _money(amount: Decimal | None, currency: str | None) -> Money | None:
    return None if amount is None else new_money(amount=amount, currency=currency)


_is_known = partial(is_not, None)


def _says_nothing(wire: BaseModel) -> bool:
    """Whether every member is unknown, as in Karla's `"location": {}`."""
    return not any(map(_is_known, wire.__dict__.values()))
